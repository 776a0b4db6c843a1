import { assertEquals, assertGreater } from "@std/assert";
import { finished, submit, taskWhen } from "../../helpers/api.ts";
import { eventually } from "../../helpers/eventually.ts";
import { testApp } from "../../helpers/server.ts";

Deno.test("Sweeper.sweep() removes finished tasks past the retention whole, and nothing else", async () => {
  await using app = await testApp({ HEADWAY_RETENTION_MS: "0" });
  const { kv } = app.engine.store;
  const ended = await submit(app.url, "log-many", { rows: 30 });
  const failed = await submit(app.url, "throws", {});
  const pending = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const running = await submit(app.url, "waits");
  await finished(app.url, ended.task_id);
  await finished(app.url, failed.task_id);
  await taskWhen(app.url, running.task_id, ({ status }) => status === "running");

  // A finished task may still be on its way to its head, and is then taken by the next sweep.
  await eventually(async () => {
    await app.engine.sweeper.sweep();
    for (const { task_id } of [ended, failed]) {
      const response = await fetch(`${app.url}/tasks/${task_id}`);
      await response.body?.cancel();
      assertEquals(response.status, 404);
    }
  });
  const left = await Array.fromAsync(kv.list({ prefix: [] }));
  const gone = [ended.task_id, failed.task_id];
  assertEquals(left.filter(({ key }) => key.some((part) => gone.includes(String(part)))), []);
  for (const { task_id } of [pending, running]) {
    const response = await fetch(`${app.url}/tasks/${task_id}`);
    await response.body?.cancel();
    assertEquals(response.status, 200);
  }
});

Deno.test("Sweeper.sweep() keeps finished tasks until the retention is over", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  await app.engine.sweeper.sweep();
  assertEquals((await finished(app.url, task_id)).status, "completed");
  assertGreater((await Array.fromAsync(app.engine.store.kv.list({ prefix: ["task"] }))).length, 0);
});
