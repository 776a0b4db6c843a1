import { assertEquals } from "@std/assert";
import { getTask } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { otherOrigin } from "../helpers/other_origin.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

interface Call {
  /** The answer so far, which the request contains. */
  readonly before: string;
  write(text: string): void;
  end(): void;
}

/** A model whose answers the test writes. */
function fakeModel() {
  const calls: Call[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { answer_so_far } = await request.json();
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      // The server that reads the answer may have been killed.
      const ignore = () => {};
      calls.push({
        before: answer_so_far,
        write: (text) => void writer.write(new TextEncoder().encode(text)).catch(ignore),
        end: () => void writer.close().catch(ignore),
      });
      return new Response(readable);
    },
  );
  return {
    calls,
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("examples/answer.html shows no part of an answer twice after a crash, and stops the task", async () => {
  await using model = fakeModel();
  await using directory = await tempDir();
  const reserved = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = reserved.addr;
  reserved.close();
  const address = `http://127.0.0.1:${port}`;
  await using pages = otherOrigin(async () => {
    const html = await Deno.readTextFile(new URL("answer.html", EXAMPLES));
    return { html: html.replaceAll("http://localhost:8000", address) };
  });
  const options = {
    kv: `${directory.path}/test.db`,
    kinds: new URL("kinds/text_stream.ts", EXAMPLES).pathname,
    env: { HEADWAY_PORT: String(port), HEADWAY_ORIGINS: pages.origin },
  };
  await using first = await startServer(options);
  await using browser = await TestBrowser.launch();
  const opened = await browser.open(`${pages.origin}/answer.html?model=${model.url}`);
  const { page } = opened;
  const reads = (selector: string, wanted: string) =>
    eventually(async () => {
      assertEquals(await page.$eval(selector, (it) => it.textContent), wanted);
    });
  const told = async (n: number) => await eventually(() => assertEquals(model.calls.length, n));
  await page.type("input", "Tell me");
  await page.click("form button");
  await told(1);

  const kept = "So much is saved. ".repeat(12);
  model.calls[0]!.write(kept);
  await reads("output", kept);
  model.calls[0]!.write("This is not, ");
  await reads("output", `${kept}This is not, `);
  await first.kill();

  await using _second = await startServer(options);
  await told(2);
  assertEquals(model.calls[1]!.before, kept);
  model.calls[1]!.write("and neither is this. ");
  // Nothing is shown twice, and the part after the last checkpoint is gone.
  await reads("output", `${kept}and neither is this. `);

  await page.reload();
  await reads("output", `${kept}and neither is this. `);
  await page.waitForSelector("[type=button]:not([disabled])");
  await page.click("[type=button]");
  await reads("[role=status]", "canceled");
  const id = await page.evaluate(() => new URLSearchParams(location.hash.slice(1)).get("task_id"));
  assertEquals((await getTask(address, id!)).status, "canceled");
  model.calls[1]!.end();
});
