/** How fast a kind's tasks finish. Times are milliseconds. */
export interface KindPace {
  /** How long its newest finished tasks took. */
  took: readonly number[];
  /** How long its running tasks have run so far. */
  running: readonly number[];
}

/** With fewer finished tasks there is no estimate. */
const MIN_FINISHED = 3;

/**
 * Milliseconds until a slot is free for the task at this position of its kind's queue, from 1;
 * `null` if there is no estimate. All slots are taken, and each task that ends frees one. The time
 * that a task takes is the time that all of them ran, divided by how many have finished, so that
 * long tasks which still run count, too.
 *
 * @example
 * ```ts
 * import { expectedWait } from "./expected_start.ts";
 * import { assertEquals } from "@std/assert";
 *
 * // Two places, about eight seconds a task: one place is free each four seconds.
 * assertEquals(expectedWait(3, { took: [6000, 6000, 6000, 6000], running: [5000, 3000] }), 12_000);
 * ```
 */
export function expectedWait(position: number, { took, running }: KindPace): number | null {
  if (took.length < MIN_FINISHED || running.length === 0) return null;
  const total = [...took, ...running].reduce((sum, ms) => sum + Math.max(0, ms), 0);
  return position * total / took.length / running.length;
}
