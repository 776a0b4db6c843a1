/**
 * What `/use-task.js` gives: a hook for Preact, which the page itself brings along as
 * `preact/hooks`, by its import map or its bundler.
 *
 * @module
 */

import type {
  ConnectionState,
  HeadwayError,
  LogRow,
  OutputOf,
  OutputRow,
  RequestOptions,
  ResultOf,
  StepRow,
  TaskRecord,
} from "./client.d.ts";

/** What {@link useTask} takes beside the id. */
export interface UseTaskOptions extends Omit<RequestOptions, "signal"> {
  /** Rows of the log, and outputs, that are kept: the newest. @default {1000} */
  maxRows?: number | undefined;
}

/** What is known of a task. Never changed, only replaced. */
export interface TaskView<Task = unknown> {
  /** The task; `null` before the first word of it. */
  readonly record: TaskRecord<ResultOf<Task>> | null;
  /** What it returned; `undefined` before, and where it did not complete. */
  readonly result: ResultOf<Task> | undefined;
  /** Its log. */
  readonly log: readonly LogRow[];
  /** What it put out and was not taken back. */
  readonly outputs: readonly OutputRow<OutputOf<Task>>[];
  /** How it stands with its steps, sleeps and signals, in the order in which they were come to. */
  readonly steps: readonly StepRow[];
  /** How the connection stands. */
  readonly connection: ConnectionState["state"];
  /** Why the watch could not go on. */
  readonly error: HeadwayError | null;
}

/**
 * Watches a task for as long as the component is there; `null` for none yet. A change of `token`
 * counts from the next connection on.
 */
export function useTask<Task = unknown>(
  id: string | null | undefined,
  options?: UseTaskOptions,
): TaskView<Task>;
