/**
 * What happens to a task, as its journal and its streams tell it.
 *
 * @module
 */

/**
 * What an event is. `message` is the record at a state change, which is kept. `progress` and `head`
 * are the record at any other time, which is conflated: with `head` it was written to the task's
 * head as well. A client sees all three as `message`. `log`, `output` and `complete` are as in a
 * stream; `deleted` and `cancel` (asked for) are for the journal alone, as is `submitted`, which names
 * the token that a task was submitted with and stands before its first `message` and its `deleted`.
 */
export type EventType =
  | "message"
  | "progress"
  | "head"
  | "log"
  | "output"
  | "complete"
  | "deleted"
  | "cancel"
  | "submitted";

export interface TaskEvent {
  type: EventType;
  id: string;
  kind: string;
  /** Its place among the task's events. */
  seq: number;
  json: string;
}

/** Whether an event is progress: state, of which the newest counts. */
export function isProgress(type: EventType): boolean {
  return type === "progress" || type === "head";
}

/** A stored row: an event within its own task. */
export type Row = Pick<TaskEvent, "type" | "seq" | "json">;

/** Whether a row tells of a state: what a removal of the oldest rows leaves. */
export function isChange({ type }: Row): boolean {
  return type === "message" || type === "complete";
}
