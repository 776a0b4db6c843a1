import { assertEquals, assertMatch } from "@std/assert";
import { finished, submit } from "./api.ts";
import { openGate } from "./kinds.ts";
import { startServer, testApp } from "./server.ts";
import { openRaw, openStream } from "./sse.ts";

Deno.test("startServer() starts a server as a process, which runs the tests' kinds", async () => {
  await using server = await startServer();
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const { task_id } = await submit(server.url, "echo", { a: 1 });
  assertEquals((await finished(server.url, task_id)).result, { a: 1 });
  assertEquals((await server.kill("SIGTERM")).code, 0);
});

Deno.test("testApp() starts a server here, whose tasks openGate() reaches", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "server_test", rows: 2 });
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  await stream.until((it) => it.data("message").at(-1)?.message === "waits");
  openGate("server_test");
  await stream.all();
  assertEquals(stream.data("log").map(({ message }) => message), ["row 1", "row 2"]);
  assertEquals(stream.data("complete")[0].result, "let through");
});

Deno.test("openRaw() shows a response as it is on the wire", async () => {
  await using app = await testApp();
  using raw = await openRaw(`${app.url}/healthz`, { headers: { connection: "close" } });
  await raw.toEnd();
  assertMatch(raw.head, /^HTTP\/1\.1 200 OK\r\n/);
  assertEquals(raw.body(), { text: '{"status":"ok"}', complete: true });
});
