/**
 * The events of a tested task, and how it ended.
 *
 * @module
 */

import type { OutputsOf, ResultOf, SavedOf } from "../task/types_of.ts";
import type { LogLevel } from "../task/log_level.ts";
import type { StepRow, TaskError, TaskRecord } from "../task/record.ts";
import type { ArtifactInfo } from "../task/yield.ts";
import type { TestArtifact } from "./test_artifacts.ts";

/** A log row, as in a task's stream. */
export interface TestLog {
  /** Its place among the task's events. */
  seq: number;
  /** The level. */
  level: LogLevel;
  /** The text. */
  message: string;
  /** By the clock of the test. ISO 8601. */
  time: string;
  /** Further fields. */
  data?: Record<string, unknown>;
}

/** A partial result, as in a task's stream. */
export interface TestOutput<Output> {
  /** Its place among the task's events. */
  seq: number;
  /** The value. */
  data: Output;
  /** By the clock of the test. ISO 8601. */
  time: string;
}

/** Outputs after the last checkpoint were taken back: the run that starts yields them again. */
export interface TestRewind {
  /** Its place among the task's events. */
  seq: number;
  /** Earlier outputs with a larger `seq` than this no longer count. */
  after: number;
  /** By the clock of the test. ISO 8601. */
  time: string;
}

/** An artifact that was stored, as in a task's stream. */
export interface TestArtifactRow extends ArtifactInfo {
  /** Its place among the task's events. */
  seq: number;
  /** By the clock of the test. ISO 8601. */
  time: string;
}

/** The run was cut off. The next one starts from `checkpoint`. */
export interface TestCrash<Saved> {
  /** How many yields there were before. */
  after: number;
  /** What was saved last; `undefined` for a start from the beginning. */
  checkpoint: Saved | undefined;
}

/** An attempt failed. The next one starts from `checkpoint`. */
export interface TestRetry<Saved> {
  /** The attempt that failed. */
  attempt: number;
  /** Why it failed. */
  error: TaskError;
  /** Milliseconds until the next attempt: the longest wait that the kind's `retry` allows. */
  retry_in_ms: number;
  /** What was saved last; `undefined` for a start from the beginning. */
  checkpoint: Saved | undefined;
}

/**
 * What happens to a tested task. `progress`, `log`, `output`, `artifact`, `step`, `rewind` and
 * `complete` are as in a task's stream, with one `progress` for each that was yielded.
 */
export type TestEvent<Task> =
  | { type: "progress"; data: TaskRecord<ResultOf<Task>> }
  | { type: "log"; data: TestLog }
  | { type: "output"; data: TestOutput<OutputsOf<Task>> }
  | { type: "artifact"; data: TestArtifactRow }
  | { type: "step"; data: StepRow & { seq: number } }
  | { type: "save"; data: SavedOf<Task> }
  | { type: "crash"; data: TestCrash<SavedOf<Task>> }
  | { type: "rewind"; data: TestRewind }
  | { type: "retry"; data: TestRetry<SavedOf<Task>> }
  | { type: "complete"; data: TaskRecord<ResultOf<Task>> };

/** How a tested task ended. */
export type TestEnd<Task> =
  | { status: "completed"; result: ResultOf<Task>; error: null }
  | { status: "failed"; result: null; error: TaskError; stack: string }
  | { status: "canceled"; result: null; error: TaskError | null };

/** A tested task: how it ended, and everything that happened before. */
export type TestRun<Task> = TestEnd<Task> & {
  /** All events, in order. */
  events: TestEvent<Task>[];
  /** The data of all events of a type, in order: `run.dataOf("log")`. */
  dataOf<Type extends TestEvent<Task>["type"]>(
    type: Type,
  ): Extract<TestEvent<Task>, { type: Type }>["data"][];
  /** Its outputs, in order, without those that were taken back. */
  outputs: OutputsOf<Task>[];
  /** Its artifacts, the last one of each name. */
  artifacts: TestArtifact[];
  /** Its last checkpoint; `undefined` if there is none. */
  checkpoint: SavedOf<Task> | undefined;
  /** How often it yielded, in all of its runs. */
  yields: number;
  /** The record as a client sees it in the end, without an estimate of the time left. */
  record: TaskRecord<ResultOf<Task>>;
};
