/**
 * The kinds in examples/kinds as they are written, all but order.ts, on a real server. The APIs
 * that they call are servers of the test, which answer when the test says so.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer } from "../helpers/server.ts";
import { collect, taskContext } from "../helpers/task_context.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { countLines } from "../../examples/kinds/upload.ts";
import { unpackedSize } from "../../examples/kinds/subprocess.ts";
import { runTask } from "headway/testing";

const KINDS = ["rate_limited_api", "retry_with_checkpoint", "subprocess", "text_stream", "upload"]
  .map((name) => `examples/kinds/${name}.ts`).join(",");
const env = { HEADWAY_TASK_PERMISSIONS: "--allow-net --allow-read=. --allow-run=gzip" };

/** Serves the API that a kind calls. */
function serveApi(
  handle: (request: Request) => Response | Promise<Response>,
): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function uploadTo(base: string, body: BodyInit): Promise<string> {
  const response = await fetch(`${base}/uploads?name=file`, { method: "POST", body });
  assertEquals(response.status, 201);
  return (await response.json()).upload_id;
}

// deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
async function outputs(base: string, id: string): Promise<any[]> {
  const rows = await storedEvents(base, id);
  return rows.filter(({ event }) => event === "output").map(({ data }) => data.data);
}

/** Waits until a task's stored checkpoint is `wanted`: a crash then loses nothing before it. */
async function saved(base: string, id: string, wanted: unknown): Promise<void> {
  await eventually(async () => {
    const { checkpoint } = await (await fetch(`${base}/tasks/${id}/details`)).json();
    assertEquals(checkpoint, wanted);
  });
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

Deno.test("examples/kinds/retry_with_checkpoint.ts retries a page that failed, and fetches no saved page again", async () => {
  const asked: string[] = [];
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  await using api = serveApi(async (request) => {
    const page = new URL(request.url).searchParams.get("page")!;
    asked.push(page);
    if (page === "2" && asked.length === 2) return new Response("busy", { status: 500 });
    if (page === "3") {
      reached.resolve();
      await open.promise;
    }
    return Response.json([`a${page}`, `b${page}`]);
  });
  await using directory = await tempDir();
  const options = { kv: `${directory.path}/test.db`, kinds: KINDS, env };
  await using first = await startServer(options);
  const { task_id } = await submit(first.url, "fetch-pages", { url: api.url, pages: 3 });
  await reached.promise;
  await saved(first.url, task_id, { page: 2, items: 4 });
  await first.kill("SIGKILL");
  open.resolve();
  await using second = await startServer(options);
  const { status, result, attempt, error } = await finished(second.url, task_id);
  assertEquals([status, result, attempt, error], ["completed", { items: 6 }, 2, null]);
  assertEquals(asked, ["1", "2", "2", "3", "3"]);
  assertEquals((await outputs(second.url, task_id)).map(({ page }) => page), [1, 2, 3]);
});

Deno.test("examples/kinds/upload.ts counts the lines of a file, also after a crash at each checkpoint", async () => {
  const bytes = new TextEncoder().encode("one line\n".repeat(400_000));
  await using server = await startServer({ kinds: KINDS, env });
  const upload = await uploadTo(server.url, bytes);
  const { task_id } = await submit(server.url, "count-lines", { upload });
  const { status, result } = await finished(server.url, task_id);
  assertEquals([status, result], ["completed", { name: "file", lines: 400_000 }]);

  const uploads = { [upload]: new File([bytes], "file") };
  const whole = await runTask(countLines, { upload }, { uploads });
  assertEquals(whole.result, result);
  const saves = whole.events.flatMap(({ type }, n) => type === "save" ? [n + 1] : []);
  assertEquals(saves.length, 3);
  for (const crashAfter of saves) {
    const run = await runTask(countLines, { upload }, { uploads, crashAfter });
    assertEquals([run.result, run.yields], [whole.result, whole.yields]);
  }
});

Deno.test("examples/kinds/subprocess.ts pipes an upload into a program, and reports why the program failed", async () => {
  await using server = await startServer({ kinds: KINDS, env });
  const packed = await gzip(new Uint8Array(3_000_000));
  const run = async (bytes: Uint8Array<ArrayBuffer>) => {
    const upload = await uploadTo(server.url, bytes);
    const { task_id } = await submit(server.url, "unpacked-size", { upload });
    return await finished(server.url, task_id);
  };
  const good = await run(packed);
  assertEquals([good.error, good.result], [null, { packed: packed.length, unpacked: 3_000_000 }]);
  const bad = await run(new Uint8Array(1_000_000));
  assertEquals(bad.status, "failed");
  assertStringIncludes(bad.error!.message, "gzip ended with 1: ");
  assertStringIncludes(bad.error!.message, "not in gzip format");
});

Deno.test("examples/kinds/subprocess.ts ends its program when the task is canceled", async () => {
  const controller = new AbortController();
  const read = Promise.withResolvers<void>();
  const context = {
    ...taskContext({ upload: "u" }, { signal: controller.signal }),
    // Sends nothing, so that the program waits. The test's sanitizers find a program that stays.
    upload: () => new ReadableStream<Uint8Array>({ pull: () => read.resolve() }),
  };
  const running = collect(unpackedSize.run(context));
  await read.promise;
  controller.abort(new Error("Cancel was asked for"));
  await assertRejects(() => running, Error, "Cancel was asked for");
});

Deno.test("examples/kinds/rate_limited_api.ts waits when the API asks for it, and repeats the request", async () => {
  const asked: string[] = [];
  await using api = serveApi((request) => {
    const name = new URL(request.url).searchParams.get("name")!;
    asked.push(name);
    if (asked.length === 2) {
      return new Response("slow down", { status: 429, headers: { "retry-after": "1" } });
    }
    return Response.json(name.length);
  });
  await using server = await startServer({ kinds: KINDS, env });
  const names = ["Ada", "Grace & Co", "Barbara"];
  const { task_id } = await submit(server.url, "look-up", { url: api.url, names });
  const { status, result, attempt } = await finished(server.url, task_id);
  assertEquals([status, result, attempt], ["completed", { done: 3 }, 1]);
  assertEquals(asked, ["Ada", "Grace & Co", "Grace & Co", "Barbara"]);
  assertEquals(
    await outputs(server.url, task_id),
    names.map((name) => ({ name, found: name.length })),
  );
  const rows = await storedEvents(server.url, task_id);
  const logged = rows.filter(({ event }) => event === "log").map(({ data }) => data.message);
  assertEquals(logged, ["The API asks to wait 1 s"]);
});

Deno.test("examples/kinds/text_stream.ts passes a text on as it arrives, and continues it after a crash", async () => {
  const beginning = "All happy families are alike. ".repeat(7);
  const calls: { answer_so_far: string; write: (part: string) => void; end: () => void }[] = [];
  let called = Promise.withResolvers<void>();
  await using api = serveApi(async (request) => {
    const { answer_so_far } = await request.json();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    // The server that reads the answer may have been killed.
    const ignore = () => {};
    calls.push({
      answer_so_far,
      write: (part) => void writer.write(new TextEncoder().encode(part)).catch(ignore),
      end: () => void writer.close().catch(ignore),
    });
    called.resolve();
    return new Response(readable);
  });
  await using directory = await tempDir();
  const options = { kv: `${directory.path}/test.db`, kinds: KINDS, env };
  await using first = await startServer(options);
  const { task_id } = await submit(first.url, "write-text", { url: api.url, prompt: "A novel" });
  await called.promise;
  calls[0]!.write(beginning);
  await saved(first.url, task_id, { text: beginning });
  calls[0]!.write("Unhappy ones are");
  await eventually(async () => {
    assertEquals((await outputs(first.url, task_id)).at(-1), "Unhappy ones are");
  });
  called = Promise.withResolvers();
  await first.kill("SIGKILL");

  await using second = await startServer(options);
  await called.promise;
  assertEquals(calls[1]!.answer_so_far, beginning);
  calls[1]!.write("Every other one is not.");
  calls[1]!.end();
  const { status, result } = await finished(second.url, task_id);
  const text = `${beginning}Every other one is not.`;
  assertEquals([status, result], ["completed", { text }]);
  assertEquals((await outputs(second.url, task_id)).join(""), text);
});
