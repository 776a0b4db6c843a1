/**
 * What the functions that change a task's record share.
 *
 * @module
 */

import type { TaskRecord } from "./record.ts";

/** What a task shows before it has told anything. */
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

/** A record with a field that few tasks have, and `seq` behind it: see `seqOf()`. */
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
