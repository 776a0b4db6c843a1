/**
 * Whether the process that runs a task still lives, and when its task goes on if it does not.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import type { TaskDetails } from "./task_api.ts";

export type WorkerState =
  /** It renews its lease. */
  | { state: "alive"; silentMs: number }
  /** It has missed a renewal; after so many milliseconds the task goes on elsewhere. */
  | { state: "silent"; silentMs: number; resumesInMs: number }
  /** Its session is over, and the task will be given to another. */
  | { state: "gone" };

/** The part of a lease after which a renewal, due at a third of it, was missed. */
const MISSED = 0.5;

/**
 * How the worker is.
 *
 * @param sinceMs Milliseconds since the details came.
 * @returns `null` where nobody runs it, or it is not known.
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
  // It is looked for at each third of a lease, and found out at the first look behind its end.
  const resumesInMs = Math.max(0, lease * 4 / 3 - silentMs);
  return { state: "silent", silentMs, resumesInMs };
}
