/**
 * A task as clients see it: the record that `GET /tasks/{id}` returns and that every `message`
 * event of a stream carries. JSON is snake_case on the wire.
 *
 * @module
 */

/**
 * The state of a task. A `pending` task may also be delayed or wait for a retry: `run_at` says
 * until when. A `waiting` task takes up no process: it sleeps, or waits for a signal or for other
 * tasks, as `waiting_for` says.
 */
export type Status = "pending" | "running" | "waiting" | "completed" | "failed" | "canceled";

/** Every state, in the order of a task's life. */
export const STATUSES: readonly Status[] = [
  "pending",
  "running",
  "waiting",
  "completed",
  "failed",
  "canceled",
];

/** Whether a task in this state has ended: it will not change again by itself. */
export function isFinished(status: Status): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

/**
 * Whether a pending task waits for a time: it was delayed, or failed and is to be tried again. Any
 * other may run whatever the clock says, which may have been set since.
 */
export function waits({ run_at, updated_at }: TaskRecord): boolean {
  return run_at > updated_at;
}

/**
 * Whether a task will run by itself: it is pending, sleeps, or waits for a signal with a time-out.
 */
export function isQueued({ status, waiting_for }: TaskRecord): boolean {
  return status === "pending" || (status === "waiting" && typeof waiting_for?.until === "string");
}

/** The keys by which the limits of a task's kind count it, made from its input. */
export interface TaskKeys {
  /** The key of `concurrency`. */
  concurrency?: string;
  /** The key of `rate`. */
  rate?: string;
  /** The key of `debounce`. */
  debounce?: string;
}

/** What a `waiting` task waits for. */
export interface WaitingFor {
  /** The end of a sleep, a signal, its children, or, as a child, its turn among its siblings. */
  type: "sleep" | "signal" | "children" | "turn";
  /** The name that the task gave it; for a turn, the name that its parent gave the children. */
  name: string;
  /** Until when it waits at most, ISO 8601; `null` for no limit. */
  until: string | null;
}

/** How many children a task has, by their state. The others are pending or waiting. */
export interface ChildCounts {
  /** How many there are to be in all. */
  total: number;
  /** How many have been made so far; absent once all are. */
  made?: number;
  /** How many completed. */
  completed: number;
  /** How many failed for good. */
  failed: number;
  /** How many were canceled. */
  canceled: number;
  /** How many run now. */
  running: number;
}

/** Why a task failed, as clients see it. The stack is in the task's details. */
export interface TaskError {
  /** The error's name, such as `TypeError` or `TimeoutError`. */
  name: string;
  /** What went wrong, in one sentence. */
  message: string;
  /** The error's own `code`, such as `ENOENT`; absent if it has none. */
  code?: string | number;
  /** The error's `cause`, which may have a cause itself. */
  cause?: TaskError;
  /** The parts of an `AggregateError`. */
  errors?: readonly TaskError[];
}

/** The progress of one stage of a task, where each stage is counted by itself. */
export interface StageProgress {
  /** The name as in the record's `stage`, cut to 64 characters. */
  name: string;
  /** Its weight among all stages; absent if the definition gives none. */
  weight?: number;
  /** Units of this stage that are done. */
  done: number | null;
  /** Units of this stage in all. */
  total: number | null;
  /** Percent of this stage, 0–100. */
  progress: number | null;
}

/** A file that a task made. */
export interface ArtifactRecord {
  /** Its name, such as `report.pdf`. */
  name: string;
  /** Its size in bytes. */
  size: number;
  /** Its media type. */
  type: string;
}

/** A task, as the HTTP API shows it. Times are ISO 8601, UTC, with milliseconds. */
export interface TaskRecord<Result = unknown> {
  /** ULID: sorts by the time of submission. */
  task_id: string;
  /** The name of the task definition that runs it. */
  kind: string;
  /** Its state. */
  status: Status;
  /** Its owner, from its submit or the token that submitted it; absent if it has none. */
  owner?: string;
  /** Its tags, from its submit; absent if it has none. */
  tags?: readonly string[];
  /** The task that made it with `children()`; absent if it is not a child. */
  parent_id?: string;
  /** Percent, 0–100. Never falls within an attempt. `null` while the total is unknown. */
  progress: number | null;
  /** Units done, where the task counts them. */
  done: number | null;
  /** Units in all, where known. */
  total: number | null;
  /** What is counted: "bytes", "rows", … */
  unit: string | null;
  /** The name of the part of the work under way. */
  stage: string | null;
  /** A sentence for the person who waits. */
  message: string | null;
  /**
   * Its stages, where each is counted by itself: `done`, `total` and `unit` are then those of the
   * stage under way, and `progress` is that of the whole by their weights, `null` without weights.
   */
  stages?: readonly StageProgress[];
  /** What it waits for; absent unless it is `waiting`. */
  waiting_for?: WaitingFor;
  /** The keys by which its kind's limits count it; absent if they use none. */
  keys?: TaskKeys;
  /** The states of its children, those of its last `children()`; absent if it has none. */
  children?: ChildCounts;
  /** Its artifacts, one of each name; absent if it has none. */
  artifacts?: readonly ArtifactRecord[];
  /**
   * What the generator returned, once `completed`; `null` if that is larger than 48 KiB of JSON:
   * see `result_url`.
   */
  result: Result | null;
  /** Why it failed, or what went wrong at the last attempt. */
  error: TaskError | null;
  /** The attempt under way or last made, from 1; 0 before the first. */
  attempt: number;
  /** The number of attempts after which a failure is final. */
  max_attempts: number;
  /** −100 to 100; higher runs first. */
  priority: number;
  /** The time before which it does not run. */
  run_at: string;
  /** When it was submitted. */
  created_at: string;
  /** When the attempt under way, or the last one, began. */
  started_at: string | null;
  /** When the task last yielded or changed its state. */
  updated_at: string;
  /** When it ended. */
  finished_at: string | null;
  /** Whether somebody asked it to stop. */
  cancel_requested: boolean;
  /** Milliseconds to the end, by a smoothed estimate; `null` while there is none. */
  eta_ms: number | null;
  /** Units a second (percent a second without `done`), smoothed; `null` while there is none. */
  rate: number | null;
  /**
   * Who asked for the last change of its state, such as a token's name; absent if the task or the
   * server made the change by itself.
   */
  by?: string;
  /** The completed task that this one does again; absent if there is none. */
  retried_from?: string;
  /** The schedule that made it; absent if none did. */
  schedule_id?: string;
  /** The time of that schedule for which it was made; absent for one of "run now". */
  scheduled_for?: string;
  /**
   * Milliseconds that it is kept after its end, as its submit asks; absent if its kind and the
   * server's settings decide that.
   */
  keep?: number | "forever";
  /**
   * The URL of a larger result, as JSON, relative to the address of Headway; absent for any other.
   */
  result_url?: string;
  /** Counts the task's events. The SSE id of its stream, and the cursor of a resume. */
  seq: number;
}

/** The data of a `step` event: the state of a step, a sleep, a signal or children. */
export interface StepRow {
  /** The name that the task gave it. */
  name: string;
  /** What it is. */
  type: "step" | "sleep" | "signal" | "children";
  /** Its state. */
  status: "running" | "waiting" | "done" | "failed";
  /** Since when it is in this state. ISO 8601. */
  time: string;
  /** Milliseconds that a step took, with all its tries and the waits between them. */
  duration_ms?: number;
  /** Until when it waits at most. ISO 8601. */
  until?: string;
  /** Who sent the signal; absent for anything else. */
  by?: string;
  /** Why a step failed. */
  error?: Pick<TaskError, "name" | "message">;
}
