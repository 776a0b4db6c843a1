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
  /** Its place among the task's events. */
  seq: number;
  json: string;
  /** Bytes of `json`, where they were counted. */
  bytes?: number;
}

/** A stored row: an event within its own task. */
export type Row = Pick<TaskEvent, "type" | "seq" | "json" | "bytes">;

/** Whether an event is kept with its task. */
export function isStored(type: EventType): boolean {
  return isRow(type) || isChange(type);
}

/**
 * Whether it is what the task told: a log line, an output, that an artifact is there, or how it stands
 * with a step.
 */
function isRow(type: EventType): boolean {
  return type === "step" || boundOf(type) !== null;
}

/** Under which bound rows are kept. */
export type RowType = "log" | "output";

/** The bound of a row; `null` for none: of steps there are no more than a task may tell. */
export function boundOf(type: EventType): RowType | null {
  if (type === "log" || type === "artifact") return "log";
  return type === "output" ? type : null;
}

/** Whether it tells of a state, or of what no longer counts: what a removal of the oldest rows leaves. */
export function isChange(type: EventType): boolean {
  return type === "message" || type === "complete" || type === "rewind";
}

/** Whether it is for those who want a task's rows: it tells neither its state nor its labels. */
export function isOfRows(type: EventType): boolean {
  return isRow(type) || type === "rewind";
}
