/**
 * What the functions that change a task's record share.
 *
 * @module
 */

import type { TaskRecord } from "./record.ts";

/** The figures of a task that has not reported anything. */
export const NO_PROGRESS = {
  progress: 0,
  done: null,
  total: null,
  unit: null,
  stage: null,
  message: null,
  eta_ms: null,
  rate: null,
} satisfies Partial<TaskRecord>;

/** A record with an optional field set or removed. `seq` stays last: see `seqOf()`. */
export function withField<
  Name extends "stages" | "waiting_for" | "children" | "keys" | "by" | "keep",
>(
  record: TaskRecord,
  name: Name,
  value: TaskRecord[Name],
): TaskRecord {
  const { seq, [name]: _, ...rest } = record;
  return { ...rest, ...(value === undefined ? {} : { [name]: value }), seq } as TaskRecord;
}
