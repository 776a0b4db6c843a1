/** Tasks and their changes, for tests of the state machine. */

import { assert } from "@std/assert";
import fc from "fast-check";
import type { Task } from "../../lib/task/task.ts";
import { type Change, transition } from "../../lib/task/transition.ts";

export const SPEC = {
  id: "01J0000000000000000000TEST",
  kind: "k",
  maxAttempts: 3,
  priority: 0,
  runAt: 0,
  timeoutMs: null,
};

export const ERROR = { name: "RangeError", message: "It broke" };

/** A task after a change, which must be allowed. */
export function after(task: Task, change: Change, now: number): Task {
  const result = transition(task, change, now);
  assert(result.ok);
  return result.task;
}

/** Any change; common ones are drawn more often. */
export const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("start" as const),
      owner: fc.constantFrom("s1", "s2"),
      slot: fc.option(fc.nat(3)),
    }),
  },
  fc.constant({ type: "complete" as const }),
  fc.record({
    type: fc.constant("fail" as const),
    error: fc.constant(ERROR),
    retryAfterMs: fc.option(fc.nat(1000)),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("interrupt" as const), died: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      for: fc.record({
        type: fc.constantFrom("sleep" as const, "signal" as const),
        name: fc.constant("n"),
        until: fc.option(fc.constant("2030-01-01T00:00:00.000Z")),
      }),
    }),
  },
  fc.constant({ type: "wake" as const }),
  fc.constant({ type: "due" as const }),
  fc.constant({ type: "key" as const, keys: { concurrency: "a" } }),
  fc.constant({ type: "request-cancel" as const }),
  fc.constant({ type: "cancel" as const }),
  fc.constant({ type: "retry" as const }),
);

/** Freezes a task, so that code which mutates it throws. */
export function frozen(task: Task): Task {
  Object.freeze(task.record);
  return Object.freeze(task);
}
