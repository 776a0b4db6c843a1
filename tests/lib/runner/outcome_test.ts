import { assert, assertEquals } from "@std/assert";
import { outcomeOf } from "../../../lib/runner/outcome.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Task } from "../../../lib/task/task.ts";
import { transition } from "../../../lib/task/transition.ts";

/** A task that runs its first attempt. */
function running(maxAttempts: number, more: Partial<Task> = {}): Task {
  const timeoutMs = 50;
  const task = newTask({ id: "x", kind: "k", maxAttempts, priority: 0, runAt: 0, timeoutMs }, 0);
  const started = transition(task, { type: "start", owner: "s" }, 0);
  assert(started.ok);
  return { ...started.task, ...more };
}

const BACKOFF = { baseMs: 8, capMs: 8, random: () => 0.5 };
const threw = { how: "threw", error: { name: "E", message: "no" }, stack: "" } as const;

Deno.test("outcomeOf() completes a task whose generator returned, with its result", () => {
  assertEquals(
    outcomeOf({ task: running(1), alone: true }, { how: "returned", json: "1" }, BACKOFF),
    {
      row: null,
      change: { type: "complete" },
      result: "1",
    },
  );
});

Deno.test("outcomeOf() retries a task while it has attempts left, then fails it", () => {
  const first = outcomeOf({ task: running(2), alone: false }, threw, BACKOFF);
  assertEquals(first.change, { type: "fail", error: threw.error, retryAfterMs: 4 });
  assertEquals(first.row?.message, "Attempt 1 of 2 failed: no");
  const last = outcomeOf({ task: running(1), alone: false }, threw, BACKOFF);
  assertEquals([last.change, last.row], [
    { type: "fail", error: threw.error, retryAfterMs: null },
    null,
  ]);
});

Deno.test("outcomeOf() does not retry after a final error, and logs the cause of an error that it retries", () => {
  const cause = { name: "E", message: "why" };
  const end = { ...threw, error: { ...threw.error, code: 7, cause } };
  const final = outcomeOf({ task: running(2), alone: false }, { ...end, final: true }, BACKOFF);
  assertEquals(final.change, { type: "fail", error: end.error, retryAfterMs: null });
  const { row } = outcomeOf({ task: running(2), alone: false }, end, BACKOFF);
  assertEquals(row?.data, { retry_in_ms: 4, code: 7, cause });
});

Deno.test("outcomeOf() does not retry a task whose cancel was requested", () => {
  const task = running(2);
  const wanted = { ...task, record: { ...task.record, cancel_requested: true } };
  const { change } = outcomeOf({ task: wanted, alone: false }, threw, BACKOFF);
  assertEquals(change.type === "fail" && change.retryAfterMs, null);
});

Deno.test("outcomeOf() cancels, fails or interrupts the task of a stopped run, as the reason of the stop says", () => {
  const run = { task: running(1), alone: true };
  const changes = (["cancel", "timeout", "stop"] as const).map((reason) =>
    outcomeOf(run, { how: "stopped", reason }, BACKOFF).change
  );
  const error = { name: "TimeoutError", message: "The attempt took longer than 50 ms" };
  assertEquals(changes, [
    { type: "cancel" },
    { type: "fail", error, retryAfterMs: null },
    { type: "interrupt", died: false, alone: true },
  ]);
});

Deno.test("outcomeOf() says why a run was interrupted, and whether its process died and it ran alone", () => {
  const end = { how: "interrupted", because: "it died", died: true } as const;
  const { row, change } = outcomeOf({ task: running(1), alone: false }, end, BACKOFF);
  assertEquals(row?.message, "Interrupted: it died; resumes from the last checkpoint");
  assertEquals(change, { type: "interrupt", died: true, alone: false });
});

Deno.test("outcomeOf() counts an uncaught error as a death, and the third death fails the task with that error", () => {
  const end = { ...threw, how: "strayed" } as const;
  const { row, change } = outcomeOf(
    { task: running(1, { deaths: 2 }), alone: false },
    end,
    BACKOFF,
  );
  assertEquals(row?.message, "Interrupted: uncaught E: no; resumes from the last checkpoint");
  const died = transition(running(1, { deaths: 1 }), change, 0);
  assert(died.ok);
  assertEquals([died.task.record.status, died.task.deaths], ["pending", 2]);
  const ended = transition(running(1, { deaths: 2 }), change, 0);
  assert(ended.ok);
  assertEquals([ended.task.record.status, ended.task.record.error], ["failed", threw.error]);
});
