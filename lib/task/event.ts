/**
 * The events of a task, as the journal and its streams carry them.
 *
 * @module
 */

/**
 * What an event is. `message` is the record at a state change, which is kept; `progress` is the record
 * at any other time, which is conflated. A client sees both as `message`. `log`, `output`, `artifact`
 * (one is there), `step`, `rewind` and `complete` are as in a stream. The others are for the journal
 * alone: `checkpoint` is what a task saved; `folded` says that the task's own keys have all that the
 * journal told of it up to its `seq`; `deleted` and `cancel` (asked for) name the task; `submitted`
 * names the token that a task was submitted with, and stands before its first `message` and its
 * `deleted`.
 */
export type EventType =
  | "message"
  | "progress"
  | "log"
  | "output"
  | "artifact"
  | "step"
  | "rewind"
  | "complete"
  | "checkpoint"
  | "folded"
  | "deleted"
  | "cancel"
  | "submitted";

export interface TaskEvent {
  type: EventType;
  id: string;
  kind: string;
  /** The event's number within its task. */
  seq: number;
  json: string;
  /** The UTF-8 length of `json`; absent if it was not measured. */
  bytes?: number;
}

/** A stored event, without the task that it belongs to. */
export type Row = Pick<TaskEvent, "type" | "seq" | "json" | "bytes">;

/** Whether an event is stored with its task. */
export function isStored(type: EventType): boolean {
  return isRow(type) || isChange(type);
}

/** Whether the task itself reported it: a log row, an output, an artifact, or the state of a step. */
function isRow(type: EventType): boolean {
  return type === "step" || boundOf(type) !== null;
}

/** The two bounds on rows: artifacts count as logs. */
export type RowType = "log" | "output";

/** The bound that a row counts towards; `null` for none: `step` rows have a limit of their own. */
export function boundOf(type: EventType): RowType | null {
  if (type === "log" || type === "artifact") return "log";
  return type === "output" ? type : null;
}

/** Whether it is a change of state or a rewind: these stay when the oldest rows are removed. */
export function isChange(type: EventType): boolean {
  return type === "message" || type === "complete" || type === "rewind";
}

/** Whether it goes only to those who asked for this task's rows: it has no state and no labels. */
export function isOfRows(type: EventType): boolean {
  return isRow(type) || type === "rewind";
}
