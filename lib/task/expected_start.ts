/** What is known of a kind whose tasks wait. Times are milliseconds. */
export interface KindPace {
  /** How long its newest finished tasks took. */
  took: readonly number[];
  /** For how long those that run have run. */
  running: readonly number[];
}

/** Of fewer finished tasks nothing is concluded. */
const MIN_FINISHED = 3;

/**
 * Milliseconds until a place is free for the task at this position of its kind's queue, from 1;
 * `null` where that cannot be told. As many run as have a place, and each that ends lets the next
 * one in. How long one takes is estimated from the time that all have run and how many have ended,
 * so that long ones which still run count, too.
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
