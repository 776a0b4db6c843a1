import { assertEquals } from "@std/assert";
import { Heads } from "../../../lib/kv/heads.ts";
import { LiveTasks } from "../../../lib/store/live_tasks.ts";
import type { LiveTask } from "../../../lib/store/live_task.ts";
import { newTask } from "../../../lib/task/new_task.ts";

const ROOM = 64_000;
const ROW = 40_000;
const MIB = 1024 * 1024;

/** Tasks that run here, and which of them asked to be written. */
function openTasks(kv: Deno.Kv) {
  const touched = new Set<unknown>();
  const tasks = new LiveTasks({
    heads: new Heads(kv),
    restoredAt: 0,
    sid: "me",
    now: () => 0,
    touch: (write) => touched.add(write),
    caughtUp: () => Promise.resolve(),
    onmoved: () => {},
    onwritten: () => {},
    onrefused: () => {},
  });
  let made = 0;
  const running = (): LiveTask => {
    const id = `01J0${String(++made).padStart(22, "0")}`;
    const spec = { id, kind: "k", maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
    const live = tasks.create(newTask(spec, 0), null);
    live.change({ type: "start", owner: "me" });
    live.render(ROOM);
    live.onresult({ ok: true, versionstamp: "1" });
    return live;
  };
  /** Writes a row of a task to the journal alone. */
  const journal = (live: LiveTask) => {
    live.rows.add("log", `{"text":"${"x".repeat(ROW)}"}`);
    live.render(ROOM);
    // As the journal does: the task is no longer queued once it was rendered.
    touched.delete(live);
  };
  return { tasks, touched, running, journal };
}

Deno.test("LiveTasks folds the oldest tasks while the journal alone holds too many bytes of rows", async () => {
  using kv = await Deno.openKv(":memory:");
  const { tasks, touched, running, journal } = openTasks(kv);
  const enough = Array.from({ length: Math.floor(16 * MIB / ROW) }, running);
  for (const live of enough) {
    journal(live);
    live.onresult({ ok: true, versionstamp: "2" });
  }
  const more = Array.from({ length: 20 }, running);
  touched.clear();
  // Each of these rows makes another task fold, though none of the folds is written yet.
  for (const live of more) journal(live);
  assertEquals([...touched], enough.slice(0, more.length) as unknown[]);
  tasks[Symbol.dispose]();
});

Deno.test("LiveTasks does not count the unfolded rows of tasks whose write failed", async () => {
  using kv = await Deno.openKv(":memory:");
  const { tasks, running, journal } = openTasks(kv);
  for (let bytes = 0; bytes < 20 * MIB; bytes += ROW) {
    const live = running();
    journal(live);
    live.onresult({ ok: false, reason: "refused" });
  }
  const live = running();
  journal(live);
  live.onresult({ ok: true, versionstamp: "2" });
  // This task alone is below the bound, so it need not be folded yet.
  assertEquals(live.clean, true);
  tasks[Symbol.dispose]();
});

Deno.test("LiveTasks does not fold the task that is being rendered, as nobody would write that fold", async () => {
  using kv = await Deno.openKv(":memory:");
  const { tasks, touched, running, journal } = openTasks(kv);
  const some = Array.from({ length: Math.floor(16 * MIB / ROW) }, running);
  for (const live of some) {
    journal(live);
    live.onresult({ ok: true, versionstamp: "2" });
  }
  // The oldest task itself goes past the bound.
  const [live] = some;
  touched.clear();
  live!.rows.add("log", `{"text":"${"x".repeat(8500)}"}`);
  live!.render(ROOM);
  touched.delete(live!);
  live!.onresult({ ok: true, versionstamp: "3" });
  assertEquals(live!.clean, true);
  tasks[Symbol.dispose]();
});
