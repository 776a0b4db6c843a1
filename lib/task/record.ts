/**
 * What a task looks like to everybody outside: the record that `GET /tasks/{id}` answers and that
 * every `message` event of a stream carries. JSON is snake_case on the wire.
 *
 * @module
 */

/**
 * The six states. `pending` also means delayed, or waiting for a retry: `run_at` says when. `waiting`
 * is asleep, or waiting for a signal or for other tasks: `waiting_for` says for which, and no process
 * has it.
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

/** Whether a task in this state will never change again by itself. */
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
 * Whether a task comes to run by itself: it is pending, or asleep, or waits for a signal no longer than
 * until some time.
 */
export function isQueued({ status, waiting_for }: TaskRecord): boolean {
  return status === "pending" || (status === "waiting" && typeof waiting_for?.until === "string");
}

/** What of a task's input its kind's limits count by. */
export interface TaskKeys {
  /** Of `concurrency`. */
  concurrency?: string;
  /** Of `rate`. */
  rate?: string;
  /** Of `debounce`. */
  debounce?: string;
}

/** What a task waits for that no process has. */
export interface WaitingFor {
  /** It sleeps, somebody has to send a signal, its children run, or others go first among children. */
  type: "sleep" | "signal" | "children" | "turn";
  /** As the task calls it; of a child's turn, as its parent does. */
  name: string;
  /** Until when, at most. ISO 8601; `null` for as long as it takes. */
  until: string | null;
}

/** How many children a task has, and how they do. The others are pending, or wait. */
export interface ChildCounts {
  /** All of them. */
  total: number;
  /** Those that there are so far; absent once all are made. */
  made?: number;
  /** Those that have a result. */
  completed: number;
  /** Those that failed for good. */
  failed: number;
  /** Those that were canceled. */
  canceled: number;
  /** Those that run now. */
  running: number;
}

/** Why a task failed, as the client may see it. The stack is apart from it: see the details. */
export interface TaskError {
  /** The error's class, as `TypeError` or `TimeoutError`. */
  name: string;
  /** What went wrong, in one sentence. */
  message: string;
  /** The error's own `code`, as `ENOENT`; left out where it has none. */
  code?: string | number;
  /** What led to it: its `cause`, and so on. */
  cause?: TaskError;
  /** The parts of an `AggregateError`. */
  errors?: readonly TaskError[];
}

/** How far a stage of a task is, where stages count for themselves. */
export interface StageProgress {
  /** As in the record's `stage`; at most 64 characters of it. */
  name: string;
  /** Its part of the whole, beside the other weights; left out where the definition names none. */
  weight?: number;
  /** Units done in it. */
  done: number | null;
  /** Units of it in all. */
  total: number | null;
  /** Percent of it, 0–100. */
  progress: number | null;
}

/** A file that a task made. */
export interface ArtifactRecord {
  /** Its name, as in `report.pdf`. */
  name: string;
  /** Bytes. */
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
  /** Where it stands. */
  status: Status;
  /** Whose it is, as its submit says or the token of who submitted it; absent for nobody's. */
  owner?: string;
  /** What it belongs to, as its submit says; absent for none. */
  tags?: readonly string[];
  /** The task that made it with `children()`; absent in any other. */
  parent_id?: string;
  /** Percent, 0–100. Never falls within an attempt. `null` while the total is unknown. */
  progress: number | null;
  /** Units done, where the task counts them. */
  done: number | null;
  /** Units in all, where known. */
  total: number | null;
  /** What is counted: "bytes", "rows", … */
  unit: string | null;
  /** The named part of the work that is under way. */
  stage: string | null;
  /** A sentence for the person who waits. */
  message: string | null;
  /**
   * Its stages, where they count for themselves: `done`, `total` and `unit` are then those of the one
   * under way, and `progress` is that of the whole by their weights, `null` without weights.
   */
  stages?: readonly StageProgress[];
  /** What it waits for; absent unless it is `waiting`. */
  waiting_for?: WaitingFor;
  /** What its kind's limits count it by; absent where they count all alike. */
  keys?: TaskKeys;
  /** How its children do, those of the last `children()`; absent where it has none. */
  children?: ChildCounts;
  /** Its artifacts, by name; absent where there are none. */
  artifacts?: readonly ArtifactRecord[];
  /**
   * What the generator returned, once `completed`; `null` where that is larger than 48 KiB of JSON:
   * see `result_url`.
   */
  result: Result | null;
  /** Why it failed, or what went wrong at the last attempt. */
  error: TaskError | null;
  /** The attempt under way or last made, from 1; 0 before the first. */
  attempt: number;
  /** After so many attempts a failure is final. */
  max_attempts: number;
  /** −100 to 100; higher runs first. */
  priority: number;
  /** Not before this time. */
  run_at: string;
  /** When it was submitted. */
  created_at: string;
  /** When the attempt under way, or the last one, began. */
  started_at: string | null;
  /** When the task last yielded or changed its state. */
  updated_at: string;
  /** When it ended. */
  finished_at: string | null;
  /** Someone asked for it to stop. */
  cancel_requested: boolean;
  /** Milliseconds to the end, by a smoothed estimate; `null` while there is none. */
  eta_ms: number | null;
  /** Units a second (percent a second without `done`), smoothed; `null` while there is none. */
  rate: number | null;
  /**
   * Who asked for the last change of its state, as a token's name; absent where the task or the server
   * did it by itself.
   */
  by?: string;
  /** The completed task that this one does again; absent in any other. */
  retried_from?: string;
  /** The schedule that had it made; absent in any other. */
  schedule_id?: string;
  /** The time of that schedule which it was made for; absent where somebody said "run now". */
  scheduled_for?: string;
  /**
   * Milliseconds that it is kept after its end, as its submit says; absent where it is kept as its kind
   * and the server say.
   */
  keep?: number | "forever";
  /**
   * Where a larger result is, as JSON: relative to the address of Headway. Absent for any other.
   */
  result_url?: string;
  /** Counts the task's events. The SSE id of its stream, and the cursor of a resume. */
  seq: number;
}

/** What a `step` event tells of a step, a sleep, a signal or children. */
export interface StepRow {
  /** As the task calls it. */
  name: string;
  /** What it is. */
  type: "step" | "sleep" | "signal" | "children";
  /** How it stands with it. */
  status: "running" | "waiting" | "done" | "failed";
  /** Since when. ISO 8601. */
  time: string;
  /** Milliseconds that a step took, its tries and the waits between them. */
  duration_ms?: number;
  /** Until when it waits, at most. ISO 8601. */
  until?: string;
  /** Who sent the signal; absent for anything else. */
  by?: string;
  /** Why a step failed. */
  error?: Pick<TaskError, "name" | "message">;
}
