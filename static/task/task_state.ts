/**
 * The state of the open task, changed by pure functions only.
 *
 * @module
 */

import type { Status, StepRow, TaskError, TaskRecord } from "../../lib/task/record.ts";
import { whoIn } from "../app/who.ts";
import { stateOf } from "../client/event_queue.ts";
import { withStep } from "../client/with_step.ts";
import {
  appendRows,
  type LogRow,
  type LogRows,
  NO_ROWS,
  type OutputRow,
  type StateRow,
  takeBack,
} from "./log_rows.ts";
import { addSample, NO_SAMPLES, type Samples } from "./samples.ts";
import { appendStates } from "./timeline.ts";

/** An event of `GET /tasks/{id}/stream`. */
export type TaskEvent =
  | { type: "message"; id: string; data: TaskRecord }
  | { type: "log"; id: string; data: LogData }
  | { type: "output"; id: string; data: OutputData }
  | { type: "rewind"; id: string; data: RewindData }
  | { type: "step"; id: string; data: StepRow }
  | { type: "complete"; id: string; data: CompleteData }
  | { type: "reset"; id: string; data: { reason: string; task: TaskRecord } }
  | { type: "deleted"; id: string; data: { task_id: string } };

export interface LogData {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** `debug` to `error`. */
  level: string;
  message: string;
  data?: Record<string, unknown>;
}

export interface OutputData {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  data: unknown;
}

export interface RewindData {
  /** Its place among the task's events. */
  seq: number;
  /** ISO 8601. */
  time: string;
  /** Earlier outputs with a larger `seq` no longer count. */
  after: number;
}

export interface CompleteData {
  task_id: string;
  /** One of the three end states. */
  status: Status;
  result?: unknown;
  error?: TaskError;
}

/** Never changed, only replaced. */
export interface TaskState {
  /** The newest record; `null` before the first. */
  readonly record: TaskRecord | null;
  /** The result of the task; `undefined` while unknown. */
  readonly result: unknown;
  readonly log: LogRows;
  /** The outputs, kept apart so that log rows do not push them out. */
  readonly outputs: LogRows<OutputRow>;
  readonly states: readonly StateRow[];
  /** Steps, sleeps and signals, in the order in which the task came to them. */
  readonly steps: readonly StepRow[];
  /** The progress over time. */
  readonly samples: Samples;
  /** The state in the last state row: only another one makes a row. */
  readonly logged: string;
  /** The id of the last event, after which the stream resumes; `"0"` for all events. */
  readonly lastEventId: string;
  /** Whether `complete` has arrived: no more events follow. */
  readonly ended: boolean;
  /** Why the task cannot be shown: it never existed, or was deleted. */
  readonly gone: "never" | "deleted" | null;
}

export const NO_TASK: TaskState = {
  record: null,
  result: undefined,
  log: NO_ROWS,
  outputs: NO_ROWS,
  states: [],
  steps: [],
  samples: NO_SAMPLES,
  logged: "",
  lastEventId: "0",
  ended: false,
  gone: null,
};

/** Whether a task in this state will not change by itself. */
export function isFinished(status: Status): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

/** Applies events of the stream, in order. */
export function reduceTask(state: TaskState, events: readonly TaskEvent[]): TaskState {
  let { record, result, log, outputs, states, steps, samples } = state;
  let { logged, lastEventId, ended, gone } = state;
  let rows: LogRow[] = [];
  for (const event of events) {
    if (event.id !== "") lastEventId = event.id;
    switch (event.type) {
      case "message": {
        const { data } = event;
        const { seq, status } = data;
        const told = stateOf(data);
        if (told !== logged) {
          logged = told;
          rows.push(rowOf(event)!);
        }
        samples = addSample(samples, data);
        // History is replayed from its beginning: it must not make the record older.
        if (record !== null && record.seq >= seq) break;
        record = data;
        gone = null;
        if (!isFinished(status)) {
          ended = false;
          result = undefined;
        } else if (data.result !== null) {
          result = data.result;
        }
        break;
      }
      case "log":
      case "output":
        rows.push(rowOf(event)!);
        break;
      case "rewind": {
        const { after } = event.data;
        rows = rows.filter(({ type, seq }) => type !== "output" || seq <= after);
        log = takeBack(log, after);
        outputs = takeBack(outputs, after);
        rows.push(rowOf(event)!);
        break;
      }
      case "step":
        steps = withStep(steps, event.data);
        break;
      case "complete": {
        const { data, id } = event;
        // The end of a run before a retry says nothing of the present.
        if (record === null || Number(id) < record.seq) break;
        ended = true;
        result = data.result;
        record = {
          ...record,
          status: data.status,
          error: data.error ?? record.error,
          seq: Number(id),
        };
        break;
      }
      case "reset":
        record = event.data.task;
        result = record.result ?? undefined;
        ended = false;
        log = outputs = NO_ROWS;
        states = [];
        steps = [];
        samples = NO_SAMPLES;
        rows = [];
        logged = "";
        break;
      case "deleted":
        gone = "deleted";
    }
  }
  return {
    record,
    result,
    log: appendRows(log, rows),
    outputs: appendRows(outputs, rows.filter((row) => row.type === "output")),
    states: appendStates(states, rows.filter((row) => row.type === "state")),
    steps,
    samples,
    logged,
    lastEventId,
    ended,
    gone,
  };
}

/** The log row for an event; `null` if it has none. */
export function rowOf({ type, data }: Pick<TaskEvent, "type" | "data">): LogRow | null {
  switch (type) {
    case "message": {
      const record = data as TaskRecord;
      const { seq, updated_at: time, status, attempt, error, run_at: runAt } = record;
      const canceling = status === "running" && record.cancel_requested;
      // The record has the causes: thousands of rows need not hold them.
      const brief = error && { name: error.name, message: error.message };
      const by = whoIn(record);
      return { type: "state", seq, time, status, attempt, canceling, error: brief, runAt, by };
    }
    case "log": {
      const { seq, time, level, message, data: fields } = data as LogData;
      const more = fields && Object.keys(fields).length > 0 ? JSON.stringify(fields) : null;
      return { type, seq, time, level, message, data: more };
    }
    case "output": {
      const { seq, time, data: value } = data as OutputData;
      return { type, seq, time, data: value, text: JSON.stringify(value) ?? "" };
    }
    case "rewind": {
      const { seq, time } = data as RewindData;
      return { type, seq, time };
    }
    default:
      return null;
  }
}
