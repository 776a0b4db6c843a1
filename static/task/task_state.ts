/**
 * What the page knows of the task it shows, changed by pure functions only.
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
  /** Outputs with a larger `seq`, of before, no longer count. */
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
  /** What it returned; `undefined` while unknown. */
  readonly result: unknown;
  readonly log: LogRows;
  /** Its outputs: what is logged does not push them out. */
  readonly outputs: LogRows<OutputRow>;
  readonly states: readonly StateRow[];
  /** How it stands with its steps, sleeps and signals, in the order in which they were come to. */
  readonly steps: readonly StepRow[];
  /** How far it was at which time. */
  readonly samples: Samples;
  /** What the last state row told, so that only changes make another. */
  readonly logged: string;
  /** The stream's id, to resume behind; `"0"` asks for all there is. */
  readonly lastEventId: string;
  /** Its end was told: the stream has nothing more. */
  readonly ended: boolean;
  /** It is not there, or no longer. */
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

/** Takes in what the stream told, in its order. */
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
        // History comes from its beginning: it must not make the shown state older.
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
        // One of before a retry tells nothing of now.
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

/** The row of the log that an event makes; `null` for one that makes none. */
export function rowOf({ type, data }: Pick<TaskEvent, "type" | "data">): LogRow | null {
  switch (type) {
    case "message": {
      const record = data as TaskRecord;
      const { seq, updated_at: time, status, attempt, error, run_at: runAt } = record;
      const canceling = status === "running" && record.cancel_requested;
      // Causes and stacks stand in the record; a log of thousands of rows need not hold them.
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
