/**
 * What a tested task does, as a test sees it.
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
  /** How grave it is. */
  level: LogLevel;
  /** The sentence. */
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

/** Outputs were taken back: those behind the last checkpoint, which the run that starts puts out again. */
export interface TestRewind {
  /** Its place among the task's events. */
  seq: number;
  /** Outputs with a larger `seq`, of before, no longer count. */
  after: number;
  /** By the clock of the test. ISO 8601. */
  time: string;
}

/** A file that is kept, as in a task's stream. */
export interface TestArtifactRow extends ArtifactInfo {
  /** Its place among the task's events. */
  seq: number;
  /** By the clock of the test. ISO 8601. */
  time: string;
}

/** The run was cut off. The next one starts from `checkpoint`. */
export interface TestCrash<Saved> {
  /** Yields up to here. */
  after: number;
  /** What was saved last; `undefined` for a start from the beginning. */
  checkpoint: Saved | undefined;
}

/** An attempt failed. The next one starts from `checkpoint`. */
export interface TestRetry<Saved> {
  /** The one that failed. */
  attempt: number;
  /** Why. */
  error: TaskError;
  /** Milliseconds until the next one: the longest that the kind's `retry` gives. */
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

/** A tested task: how it ended, and all that happened before. */
export type TestRun<Task> = TestEnd<Task> & {
  /** All that happened, in order. */
  events: TestEvent<Task>[];
  /** What the events of a type say, in order: `run.dataOf("log")`. */
  dataOf<Type extends TestEvent<Task>["type"]>(
    type: Type,
  ): Extract<TestEvent<Task>, { type: Type }>["data"][];
  /** What it put out, in order, without what was taken back. */
  outputs: OutputsOf<Task>[];
  /** The files that it made, each as it was kept last. */
  artifacts: TestArtifact[];
  /** What it saved last; `undefined` for nothing. */
  checkpoint: SavedOf<Task> | undefined;
  /** How often it yielded, in all of its runs. */
  yields: number;
  /** As a client sees it in the end; without an estimate of the time left. */
  record: TaskRecord<ResultOf<Task>>;
};
