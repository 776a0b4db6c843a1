import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyChildren, applyReport } from "../../../lib/task/apply_report.ts";
import { seqOf } from "../../../lib/task/json_text.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { isFinished, type Status, waits } from "../../../lib/task/record.ts";
import type { Task } from "../../../lib/task/task.ts";
import { type Change, MAX_DEATHS, transition } from "../../../lib/task/transition.ts";
import { after, change, ERROR, frozen, SPEC } from "../../helpers/transitions.ts";

/** The states that each change may lead from and to, as in the diagram. */
const WAYS: Record<Change["type"], [from: Status, to: Status][]> = {
  start: [["pending", "running"], ["waiting", "running"]],
  complete: [["running", "completed"]],
  fail: [["running", "failed"], ["running", "pending"]],
  interrupt: [["running", "pending"], ["running", "canceled"], ["running", "failed"]],
  wait: [["running", "waiting"], ["running", "canceled"]],
  wake: [["waiting", "pending"]],
  due: [["pending", "pending"]],
  postpone: [],
  key: [["pending", "pending"], ["waiting", "waiting"]],
  "request-cancel": [["pending", "canceled"], ["waiting", "canceled"], ["running", "running"]],
  cancel: [["running", "canceled"]],
  retry: [["failed", "pending"], ["canceled", "pending"]],
};

const isoAt = (ms: number) => new Date(ms).toISOString();

/** What `withCheckpoint()` does to a task, except for the `seq`. */
function saved(task: Task): Task {
  return { ...task, checkpointed: true, deaths: 0 };
}

Deno.test("transition() makes only the changes of state that the diagram has", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60, size: "max" }), (changes) => {
      let task = frozen(newTask(SPEC, 0));
      for (const [n, change] of changes.entries()) {
        const { status } = task.record;
        const ways = WAYS[change.type].filter(([from]) => from === status);
        const result = transition(task, change, n + 1);
        assertEquals(result.ok, ways.length > 0);
        if (!result.ok) continue;
        const before = task;
        task = frozen(result.task);
        const { record, owner, slot } = task;
        assert(ways.some(([, to]) => to === record.status));
        assertEquals(owner !== null, record.status === "running");
        if (record.status !== "running") assertEquals(slot, null);
        assertEquals(record.waiting_for !== undefined, record.status === "waiting");
        // `seqOf()` looks for the `seq` at the end of the text.
        assertEquals(Object.keys(record).at(-1), "seq");
        assertEquals(record.finished_at !== null, isFinished(record.status));
        // `updated_at` decides, with `run_at`, whether a task waits for a time: a new key keeps it.
        const changedAt = change.type === "key" ? before.record.updated_at : isoAt(n + 1);
        assertEquals(record.updated_at, changedAt);
        if (record.status === "completed") {
          assertEquals([record.progress, record.error], [100, null]);
        }
        if (record.status === "failed") assert(record.error !== null);
        if (isFinished(record.status)) assertEquals([record.eta_ms, record.rate], [null, null]);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("transition() adds up the time of all runs of an attempt, and starts the next attempt at 0", () => {
  let task = newTask(SPEC, 0);
  const then = (change: Change, now: number) => {
    task = after(task, change, now);
  };
  const start: Change = { type: "start", owner: "s1" };
  then(start, 10);
  assertEquals([task.runSince, task.ranMs], [10, 0]);
  then({ type: "interrupt", died: false, ranMs: 30 }, 50);
  then(start, 1000);
  assertEquals([task.runSince, task.ranMs], [1000, 30]);
  then({ type: "interrupt", died: false, ranMs: 5 }, 1010);
  assertEquals(task.ranMs, 35);
  then(start, 2000);
  then({ type: "fail", error: ERROR, retryAfterMs: 0 }, 2010);
  then(start, 2020);
  assertEquals(task.ranMs, 0);
});

Deno.test("transition() counts attempts, and neither interruptions nor waits use one up", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80, size: "max" }), (changes) => {
      let task = newTask(SPEC, 0);
      let attempts = 0;
      let interrupted = false;
      let interruptions = 0;
      for (const change of changes) {
        const result = transition(task, change, 1);
        if (!result.ok) continue;
        const before = task;
        task = result.task;
        if (change.type === "key" || change.type === "due") continue;
        const { status } = task.record;
        if (change.type === "start" && !interrupted) attempts++;
        if (change.type === "retry") attempts = 0;
        const cutOff = change.type === "interrupt" && status === "pending";
        if (cutOff) interruptions++;
        // A wait does not use up an attempt either.
        interrupted = cutOff || status === "waiting" || change.type === "wake";
        assertEquals([task.record.attempt, task.interruptions], [attempts, interruptions]);
        // The task goes on with the progress that it had at the interruption.
        if (interrupted) {
          const { progress, done, started_at } = before.record;
          assertEquals([task.record.progress, task.record.done, task.record.started_at], [
            progress,
            done,
            started_at,
          ]);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("transition() fails a task once its process died 3 times without a checkpoint, the last time alone", () => {
  const step = fc.constantFrom("die", "die alone", "stop", "save");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let task = newTask(SPEC, 0);
      let deaths = 0;
      for (const step of steps) {
        const started = transition(task, { type: "start", owner: "s" }, 1);
        assert(started.ok);
        task = step === "save" ? saved(started.task) : started.task;
        const died = step.startsWith("die");
        const alone = step !== "die";
        deaths = step === "save" ? 0 : died ? deaths + 1 : deaths;
        const result = transition(task, { type: "interrupt", died, alone }, 2);
        assert(result.ok);
        task = result.task;
        const cause = died && alone && deaths >= MAX_DEATHS;
        assertEquals(task.record.status, cause ? "failed" : "pending");
        if (!cause) continue;
        assertEquals(task.record.error?.name, "ProcessDied");
        return;
      }
    }),
  );
});

Deno.test("transition() keeps the position of an interrupted task in the queue, and it waits for no time", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(1000), fc.array(fc.nat(5000)), (delay, at, times) => {
      let task = newTask({ ...SPEC, runAt: at + delay }, at);
      for (const time of times) {
        const before = task.record.run_at;
        const started = transition(task, { type: "start", owner: "s" }, time);
        assert(started.ok);
        const result = transition(started.task, { type: "interrupt", died: false }, time);
        assert(result.ok);
        task = result.task;
        // If the clock was set back, `run_at` is the present time, so that the task need not wait.
        const place = before < new Date(time).toISOString() ? before : new Date(time).toISOString();
        assertEquals([task.record.run_at, waits(task.record)], [place, false]);
      }
    }),
  );
});

Deno.test("transition() says why it refuses a change, and modifies nothing", () => {
  const pending = frozen(newTask(SPEC, 0));
  const running = transition(pending, { type: "start", owner: "s" }, 1);
  assert(running.ok);
  const canceled = transition(pending, { type: "request-cancel" }, 1);
  assert(canceled.ok);
  const refused = (task: Task, change: Change) => transition(frozen(task), change, 2);
  const no = (reason: string) => ({ ok: false, reason });
  assertEquals<unknown>(refused(running.task, { type: "start", owner: "t" }), no("not-pending"));
  assertEquals<unknown>(refused(pending, { type: "complete" }), no("not-running"));
  assertEquals<unknown>(refused(pending, { type: "retry" }), no("not-finished"));
  assertEquals<unknown>(refused(canceled.task, { type: "request-cancel" }), no("finished"));
});

Deno.test("transition() retries a failed task only if it is told when, and never after a cancel request", () => {
  const start = (task: Task) => {
    const result = transition(task, { type: "start", owner: "s", slot: 1 }, 1000);
    assert(result.ok);
    return result.task;
  };
  const fail = (task: Task, retryAfterMs: number | null) => {
    const result = transition(task, { type: "fail", error: ERROR, retryAfterMs }, 2000);
    assert(result.ok);
    return result.task.record;
  };
  const running = start(newTask(SPEC, 0));
  const waiting = fail(running, 500);
  assertEquals([waiting.status, waiting.run_at], ["pending", new Date(2500).toISOString()]);
  assertEquals(waiting.error, ERROR);
  assertEquals(fail(running, null).status, "failed");
  const asked = transition(running, { type: "request-cancel" }, 1500);
  assert(asked.ok && asked.task.record.cancel_requested);
  assertEquals(fail(asked.task, 500).status, "failed");
});

Deno.test("transition() keeps who asked for a change until the next one, and for a cancel until the end", () => {
  const pending = newTask({ ...SPEC, by: "ada" }, 0);
  const runs = after(pending, { type: "start", owner: "s" }, 1);
  const asked = after(runs, { type: "request-cancel", by: "bob" }, 2);
  const ends = (["cancel", "interrupt"] as const).map((type) =>
    after(asked, type === "cancel" ? { type } : { type, died: false }, 3)
  );
  const again = after(ends[0]!, { type: "retry", by: "eve" }, 4);
  const told = [pending, runs, asked, ...ends, again].map(({ record }) => record.by);
  assertEquals(told, ["ada", undefined, "bob", "bob", "bob", "eve"]);
  assertEquals("by" in JSON.parse(JSON.stringify(runs.record)), false);
  assertEquals(seqOf(JSON.stringify(again.record)), again.record.seq);
  // The task completed in spite of the cancel request: nobody asked for that.
  assertEquals(after(asked, { type: "complete" }, 3).record.by, undefined);
});

Deno.test("transition() resets a retried task but keeps its checkpoint, and retries no completed task", () => {
  const running = transition(newTask(SPEC, 0), { type: "start", owner: "s" }, 1);
  assert(running.ok);
  const told = saved(applyReport(running.task, { at: 2, progress: 50, message: "half" }));
  const completed = transition(told, { type: "complete" }, 3);
  assert(completed.ok);
  assertEquals<unknown>(transition(frozen(completed.task), { type: "retry" }, 4), {
    ok: false,
    reason: "completed",
  });
  const ends: Change[] = [
    { type: "fail", error: ERROR, retryAfterMs: null },
    { type: "cancel" },
  ];
  for (const end of ends) {
    const ended = transition(told, end, 3);
    assert(ended.ok);
    const again = transition(ended.task, { type: "retry" }, 4);
    assert(again.ok);
    const { status, attempt, progress, message, run_at, started_at } = again.task.record;
    assertEquals(
      [status, attempt, progress, message, run_at, started_at],
      ["pending", 0, 0, null, new Date(4).toISOString(), null],
    );
    assertEquals(again.task.checkpointed, true);
  }
});

Deno.test("transition() keeps the counts of a task's children over all attempts and retries", () => {
  const counts = { total: 2, completed: 1, failed: 1, canceled: 0, running: 0 };
  let task = applyChildren(after(newTask(SPEC, 0), { type: "start", owner: "s" }, 1), counts, 2);
  for (const retryAfterMs of [1, null]) {
    task = after(task, { type: "fail", error: ERROR, retryAfterMs }, 3);
    if (retryAfterMs === null) task = after(task, { type: "retry" }, 4);
    task = after(task, { type: "start", owner: "s" }, 5);
    assertEquals(task.record.children, counts);
  }
  assertEquals(after(task, { type: "complete" }, 6).record.children, counts);
});
