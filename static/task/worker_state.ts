/**
 * Whether the process that runs a task is alive, and if not, when another one takes the task.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { TaskDetails } from "./task_api.ts";

export type WorkerState =
  /** It renews its lease. */
  | { state: "alive"; silentMs: number }
  /** It has missed a renewal. Unless it returns, another process takes the task in `resumesInMs`. */
  | { state: "silent"; silentMs: number; resumesInMs: number }
  /** Its session has ended, and another process will take the task. */
  | { state: "gone" };

/** The part of a lease after which a renewal counts as missed. It is due at a third. */
const MISSED = 0.5;

/**
 * The state of the process that runs a task.
 *
 * @param sinceMs Milliseconds since the details arrived.
 * @returns `null` if the task is not running, or the details are not known or of another state.
 */
export function workerState(
  record: TaskRecord,
  details: TaskDetails | null,
  sinceMs: number,
): WorkerState | null {
  if (record.status !== "running" || details?.status !== "running") return null;
  const { worker, lease_ms: lease } = details;
  if (worker === null) return { state: "gone" };
  const { silent_ms } = worker;
  if (silent_ms <= lease * MISSED) return { state: "alive", silentMs: silent_ms };
  const silentMs = silent_ms + sinceMs;
  // Sessions are checked every third of a lease: the first check after its end finds it.
  const resumesInMs = Math.max(0, lease * 4 / 3 - silentMs);
  return { state: "silent", silentMs, resumesInMs };
}
