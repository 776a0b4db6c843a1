import { assertEquals, assertGreater } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { Sweeper } from "../../../lib/cluster/sweeper.ts";
import { Arrivals } from "../../../lib/kv/arrivals.ts";
import { Artifacts } from "../../../lib/kv/artifacts.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { Uploads } from "../../../lib/kv/uploads.ts";
import { Store } from "../../../lib/store/store.ts";
import { finished, submit, taskWhen } from "../../helpers/api.ts";
import { eventually } from "../../helpers/eventually.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { testApp } from "../../helpers/server.ts";

const log = createLogger({ level: "off" });

Deno.test("Sweeper.sweep() wholly removes finished tasks past their retention, and no other tasks", async () => {
  await using app = await testApp({ HEADWAY_RETENTION_MS: "0" });
  const { kv } = app.engine.store;
  const ended = await submit(app.url, "log-many", { rows: 30 });
  const failed = await submit(app.url, "throws", {});
  const pending = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const running = await submit(app.url, "waits");
  await finished(app.url, ended.task_id);
  await finished(app.url, failed.task_id);
  await taskWhen(app.url, running.task_id, ({ status }) => status === "running");

  // A task's end may not have reached its head yet: then the next sweep removes the task.
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

Deno.test("Sweeper.sweep() removes old tasks even if uploads cannot be swept, and logs the failure", async () => {
  await using app = await testApp({ HEADWAY_RETENTION_MS: "0" });
  const { store } = app.engine;
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  const lines: string[] = [];
  const uploads = new Uploads({ kv: store.kv, sid: store.sid });
  uploads.sweep = () => Promise.reject(new Error("unreadable"));
  const sweeper = new Sweeper({
    store,
    uploads,
    artifacts: app.engine.artifacts,
    retentionMs: { completed: 0, failed: 0, canceled: 0 },
    log: createLogger({ level: "error", write: (line) => void lines.push(line) }),
  });
  // No such session lives, so this sweeper is elected even if the app's own was before.
  await store.kv.set(keys.janitor, "nobody");
  await eventually(async () => {
    await sweeper.sweep();
    assertEquals(await store.heads.get(task_id), null);
  });
  assertEquals(lines[0]!.includes("unreadable"), true);
});

Deno.test("Sweeper.isElected() reads rarely while another process is elected, and takes over when it is gone", async () => {
  using real = await Deno.openKv(":memory:");
  let reads = 0;
  const get = (...args: Parameters<Deno.Kv["get"]>) => (reads++, real.get(...args));
  const kv = kvWith(real, { get: get as Deno.Kv["get"] });
  using store = new Store({ kv, sid: "me", log });
  await real.set(keys.janitor, "other");
  await real.set(keys.session("other"), {});
  const { now } = performance;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  try {
    const sweeper = new Sweeper({
      store,
      uploads: new Uploads({ kv, sid: "me" }),
      artifacts: new Artifacts({ kv, arrivals: new Arrivals({ kv, sid: "me" }) }),
      retentionMs: { completed: 0, failed: 0, canceled: 0 },
      log,
    });
    for (let n = 0; n < 50; n++) assertEquals(await sweeper.isElected(), false);
    assertEquals(reads, 2);
    await real.delete(keys.session("other"));
    ahead = 10_000;
    assertEquals(await sweeper.isElected(), true);
    assertEquals((await real.get(keys.janitor)).value, "me");
  } finally {
    performance.now = now;
  }
  await store.journal.close();
});
