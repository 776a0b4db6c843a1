/**
 * The timeline of a task, from the state rows of its log.
 *
 * @module
 */

import type { TaskError, TaskRecord } from "../../lib/task/record.ts";
import type { StateRow } from "./log_rows.ts";

/** A part of a task's life. The last three are ends. */
export type StepName =
  | "queued"
  | "scheduled"
  | "running"
  | "canceling"
  | "retrying"
  | "waiting"
  | "interrupted"
  | "completed"
  | "failed"
  | "canceled";

export interface Step {
  readonly name: StepName;
  /** When it began, in milliseconds since the epoch. */
  readonly from: number;
  /** When the next one began; `null` for the last. */
  readonly to: number | null;
  /** The current attempt, or the last one. */
  readonly attempt: number;
  /** Whether it continues an attempt that was interrupted or has waited. */
  readonly resumed: boolean;
  /** The error that led to a retry or a failure. */
  readonly error: TaskError | null;
  /** Until when it waits, in milliseconds since the epoch; `null` if not known. */
  readonly until: number | null;
  /** Who asked for it; `null` if nobody is known to have. */
  readonly by: string | null;
}

/** State rows kept at most. */
export const MAX_STATES = 200;

/** The step that begins with a state row. */
export function stepOf({ status, attempt, canceling, error, runAt, time }: StateRow): StepName {
  if (status === "running") return canceling ? "canceling" : "running";
  if (status !== "pending") return status;
  if (attempt > 0 && error !== null) return "retrying";
  // An interrupted task keeps its `run_at`, its place in the queue; one that has waited does not.
  if (attempt > 0 && Date.parse(runAt) < Date.parse(time)) return "interrupted";
  return Date.parse(runAt) > Date.parse(time) ? "scheduled" : "queued";
}

export function timeline(states: readonly StateRow[]): Step[] {
  return states.map((row, at) => {
    const before = states[at - 1];
    const after = states[at + 1];
    const name = stepOf(row);
    const waits = name === "scheduled" || name === "retrying";
    return {
      name,
      from: Date.parse(row.time),
      to: after === undefined ? null : Date.parse(after.time),
      attempt: row.attempt,
      resumed: name === "running" && before?.status === "pending" && before.attempt > 0 &&
        before.error === null,
      error: name === "retrying" || name === "failed" ? row.error : null,
      until: waits ? Date.parse(row.runAt) : null,
      by: row.by,
    };
  });
}

/**
 * Adds to the known state rows those that follow from the record: while a long history is loading, a
 * task that has ended must not look as if it ran.
 */
export function withRecord(
  states: readonly StateRow[],
  record: TaskRecord,
): readonly StateRow[] {
  const { status, attempt, cancel_requested, error, seq, run_at: runAt } = record;
  const canceling = status === "running" && cancel_requested;
  const last = states.at(-1);
  if (last?.status === status && last.attempt === attempt && last.canceling === canceling) {
    return states;
  }
  const at = (time: string | null, fields: Partial<StateRow>): StateRow[] => {
    if (time === null || (last !== undefined && time <= last.time)) return [];
    const base = { type: "state", seq, status, attempt, canceling: false, error: null } as const;
    return [{ ...base, by: null, time, runAt: time, ...fields }];
  };
  const { created_at, started_at, updated_at, finished_at } = record;
  const began = attempt > 0 && status !== "pending" ? started_at : null;
  return [
    ...states,
    ...at(created_at, { status: "pending", attempt: 0, ...(attempt === 0 ? { runAt } : {}) }),
    ...at(began, { status: "running" }),
    ...(canceling ? at(updated_at, { canceling }) : []),
    ...(status === "pending" && attempt > 0 ? at(updated_at, { error, runAt }) : []),
    ...at(finished_at, { error }),
  ];
}

/**
 * When the first attempt began, in milliseconds since the epoch; `null` while not known. Attempts
 * before a retry by a user do not count.
 */
export function firstStart(states: readonly StateRow[], record: TaskRecord): number | null {
  const { attempt, started_at } = record;
  const born = states.findLastIndex(({ status, attempt }) => status === "pending" && attempt === 0);
  const first = born < 0 ? undefined : states.slice(born).find((row) => row.status === "running");
  if (first !== undefined) return Date.parse(first.time);
  return attempt === 1 && started_at !== null ? Date.parse(started_at) : null;
}

/**
 * Since when a task is in its state, ISO 8601. The record's time is the last resort: it also changes
 * while the state does not, as children go on.
 */
export function stateSince(
  states: readonly StateRow[],
  { status, updated_at }: TaskRecord,
): string {
  const last = states.at(-1);
  return last?.status === status ? last.time : updated_at;
}

/** Whether a step is an end, which has no duration. */
export function isEnd({ name }: Step): boolean {
  return name === "completed" || name === "failed" || name === "canceled";
}

/** Appends the rows that are new by their `seq`, and drops the oldest beyond {@link MAX_STATES}. */
export function appendStates(
  states: readonly StateRow[],
  rows: readonly StateRow[],
): readonly StateRow[] {
  const last = states.at(-1)?.seq ?? 0;
  const added = rows.filter(({ seq }) => seq > last);
  return added.length === 0 ? states : [...states, ...added].slice(-MAX_STATES);
}
