import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CutShortError, HttpError } from "../../../lib/http/errors.ts";
import {
  type BodyLimits,
  pathId,
  queryNumber,
  readJson,
  withDeadline,
} from "../../../lib/http/http.ts";

function request(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function limits(maxBody: number): BodyLimits {
  return { maxBody, bodyTimeoutMs: 10_000 };
}

async function status(promise: Promise<unknown>): Promise<number> {
  return (await assertRejects(() => promise, HttpError)).status;
}

Deno.test("readJson() reads JSON in any chunks, and gives undefined for an empty body", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.integer({ min: 1, max: 9 }), async (value, size) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      let at = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, at += size));
        },
      });
      // JSON has no -0.
      assertEquals(await readJson(request(body), limits(1e6)), JSON.parse(JSON.stringify(value)));
    }),
  );
  assertEquals(await readJson(request(null), limits(10)), undefined);
  assertEquals(await readJson(request(""), limits(10)), undefined);
});

Deno.test("readJson() refuses a body that is not JSON, not UTF-8 or too large", async () => {
  assertEquals(await status(readJson(request("{"), limits(100))), 400);
  assertEquals(await status(readJson(request(Uint8Array.of(0x22, 0xff, 0x22)), limits(100))), 400);
  assertEquals(await status(readJson(request('"1234567890"'), limits(11))), 413);
  assertEquals(await readJson(request('"1234567890"'), limits(12)), "1234567890");
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
  });
  assertEquals(await status(readJson(request(endless), limits(5000))), 413);
});

Deno.test("withDeadline() gives up on a body that pauses, and cancels it", async () => {
  let canceled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Uint8Array.of(1)),
    cancel: () => void (canceled = true),
  });
  const got: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of withDeadline(body, 20)) got.push(chunk);
  })();
  assertEquals(await status(reading), 408);
  assertEquals([got.length, canceled], [1, true]);
});

Deno.test("withDeadline() says 400 for a body that broke off", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("gone")),
  });
  assertEquals(await status(Array.fromAsync(withDeadline(body, 1000))), 400);
});

Deno.test("readJson() and withDeadline() throw a CutShortError for a body that the server's own shutdown cuts off", async () => {
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  const starts = [
    `${head}Content-Length: 9\r\n\r\n{}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
  ];
  const reads = [
    (request: Request) => readJson(request, limits(100)),
    (request: Request) => Array.fromAsync(withDeadline(request.body!, 10_000)),
  ];
  for (const start of starts) {
    for (const read of reads) {
      const begun = Promise.withResolvers<void>();
      const told = Promise.withResolvers<unknown>();
      const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
      const server = Deno.serve(options, async (request) => {
        const reading = read(request).catch((error) => error);
        begun.resolve();
        told.resolve(await reading);
        return new Response();
      });
      const client = await Deno.connect({ ...server.addr, transport: "tcp" });
      await client.write(new TextEncoder().encode(start));
      await begun.promise;
      const stopped = server.shutdown();
      assertInstanceOf(await told.promise, CutShortError);
      client.close();
      await stopped;
    }
  }
});

Deno.test("queryNumber() takes a whole number within its bounds, and nothing else", () => {
  const read = (query: string) =>
    queryNumber(new URL(`http://localhost/?${query}`), "n", { fallback: 7, min: 1, max: 100 });
  assertEquals([read(""), read("n=1"), read("n=100"), read("n=007")], [
    7,
    1,
    100,
    7,
  ]);
  for (const text of ["", "0", "101", "-1", "1.5", "1e1", "x", " 5", "0x5", "9".repeat(30)]) {
    const error = assertThrows(() => read(`n=${encodeURIComponent(text)}`), HttpError);
    assertEquals([error.status, error.options.field], [400, "n"]);
    assert(error.message.includes("'n' must be a whole number from 1 to 100"));
  }
});

Deno.test("pathId() takes a ULID in either case, and says 404 for anything else", () => {
  const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  assertEquals([pathId(id, "task"), pathId(id.toLowerCase(), "task")], [id, id]);
  for (
    const text of [undefined, "", id.slice(1), `${id}0`, id.replace("0", "8"), id.replace("A", "U")]
  ) {
    assertEquals(assertThrows(() => pathId(text, "task"), HttpError).status, 404);
  }
});
