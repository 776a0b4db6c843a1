/**
 * How long a task is kept after its end: as its submit says, else as its kind said at that time,
 * else as the settings say now.
 *
 * @module
 */

import { type Duration, durationMs } from "./duration.ts";
import { isFinished, type Status, type TaskRecord } from "./record.ts";

/** The states of a task that has ended. */
export type FinishedStatus = Extract<Status, "completed" | "failed" | "canceled">;

export const FINISHED: readonly FinishedStatus[] = ["completed", "failed", "canceled"];

/** How long tasks of a kind are kept, by how they ended. */
export type RetentionOptions = { [Ended in FinishedStatus]?: Duration | "forever" };

/** Milliseconds to keep a task, by how it ended: `null` for ever, absent if the settings apply. */
export type Retention = Readonly<{ [Ended in FinishedStatus]?: number | null }>;

/** Milliseconds that a submit asks to keep its task after its end. */
export type Keep = number | "forever";

/** The most milliseconds that a submit may ask for, besides "forever". */
export const MAX_KEEP_MS: number = 2 ** 40;

/**
 * When a finished task is removed. A number is the time of its end, and the settings decide how long
 * it is kept after that; an object says until when it is kept, `null` for ever.
 */
export type Expiry = number | { until: number | null };

/** `null` for a task that has not ended. */
export function expiryOf({ record, retention = {} }: {
  record: Pick<TaskRecord, "status" | "finished_at" | "keep">;
  retention?: Retention | undefined;
}): Expiry | null {
  const { status, finished_at, keep } = record;
  if (!isFinished(status) || finished_at === null) return null;
  const ended = Date.parse(finished_at);
  const own = keep === "forever" ? null : keep ?? retention[status as FinishedStatus];
  if (own === undefined) return ended;
  return { until: own === null ? null : ended + own };
}

/**
 * Converts the `retention` of a kind to milliseconds.
 *
 * @throws {TypeError} If it is invalid; the message names what is wrong.
 */
export function readRetention(kind: string, given: unknown): Retention | undefined {
  if (given === undefined) return undefined;
  const what = `Cannot define task '${kind}' as 'retention`;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what}' must be an object, such as { failed: { days: 30 } }`);
  }
  const read: { [Ended in FinishedStatus]?: number | null } = {};
  for (const [status, duration] of Object.entries(given)) {
    if (!FINISHED.some((known) => known === status)) {
      throw new TypeError(
        `${what}' may have ${FINISHED.join(", ")}, but not '${status.slice(0, 64)}'`,
      );
    }
    if (duration === undefined) continue;
    read[status as FinishedStatus] = duration === "forever" ? null : msOf(duration, status, what);
  }
  return Object.freeze(read);
}

function msOf(duration: Duration, status: string, what: string): number {
  try {
    const ms = durationMs(duration);
    if (ms <= MAX_KEEP_MS) return ms;
  } catch {
    // The message below says what is valid.
  }
  throw new TypeError(
    `${what}.${status}' must be milliseconds from 0 to ${MAX_KEEP_MS}, some of ` +
      '{ days, hours, minutes, seconds }, or "forever"',
  );
}
