import { assertEquals, assertGreater } from "@std/assert";
import { Janitor } from "../../../lib/cluster/janitor.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { finished, submit, taskWhen } from "../../helpers/api.ts";
import { eventually } from "../../helpers/eventually.ts";
import { testApp } from "../../helpers/server.ts";

Deno.test("Janitor.sweep() removes finished tasks past the retention whole, and nothing else", async () => {
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
    await app.engine.janitor.sweep();
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

Deno.test("Janitor.sweep() keeps finished tasks until the retention is over", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  await app.engine.janitor.sweep();
  assertEquals((await finished(app.url, task_id)).status, "completed");
  assertGreater((await Array.fromAsync(app.engine.store.kv.list({ prefix: ["task"] }))).length, 0);
});

Deno.test("Janitor removes the journal's oldest entries, and says up to where", async () => {
  await using app = await testApp();
  const { store, hub, uploads } = app.engine;
  const { task_id } = await submit(app.url, "log-many", { rows: 2000, bytes: 500 });
  await finished(app.url, task_id);
  const entries = () => Array.fromAsync(store.kv.list({ prefix: keys.journal }));
  const before = await entries();
  assertGreater(before.length, 1);
  assertEquals(hub.passedBytes, hub.passed.reduce((sum, { size }) => sum + size, 0));
  assertGreater(hub.passedBytes, 0);

  const janitor = new Janitor({
    store,
    hub,
    uploads,
    leaseMs: 3000,
    retentionMs: 1e9,
    journalBytes: 0,
    log: createLogger({ level: "off" }),
  });
  await janitor.start(false);
  try {
    await eventually(async () => assertEquals((await entries()).map(({ key }) => key), []));
  } finally {
    await janitor.stop();
  }
  const floor = await store.kv.get<string>(keys.journalFloor);
  assertEquals(floor.value, String(before.at(-1)!.key[1]));
  assertEquals([hub.passed.length, hub.passedBytes], [0, 0]);
  assertEquals((await finished(app.url, task_id)).status, "completed");
});
