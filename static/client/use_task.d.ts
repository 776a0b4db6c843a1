/**
 * The module `/use-task.js`: a hook for Preact. The page provides `preact/hooks`, by its import
 * map or its bundler.
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

/** The options of {@link useTask}. */
export interface UseTaskOptions extends Omit<RequestOptions, "signal"> {
  /** How many log rows, and how many outputs, are kept: the newest. @default {1000} */
  maxRows?: number | undefined;
}

/** What is known of a task. Immutable: each change makes a new one. */
export interface TaskView<Task = unknown> {
  /** The task's record; `null` before the first event. */
  readonly record: TaskRecord<ResultOf<Task>> | null;
  /** What the task returned; `undefined` before its end, and if it did not complete. */
  readonly result: ResultOf<Task> | undefined;
  /** The newest rows of its log, in order. */
  readonly log: readonly LogRow[];
  /** Its newest outputs, in order, without those that were taken back. */
  readonly outputs: readonly OutputRow<OutputOf<Task>>[];
  /** The state of its steps, sleeps, signals and children, in the order it came to them. */
  readonly steps: readonly StepRow[];
  /** The state of the connection. */
  readonly connection: ConnectionState["state"];
  /** Why the watch could not go on; `null` if it can. */
  readonly error: HeadwayError | null;
}

/**
 * Watches a task for as long as the component is mounted; an `id` of `null` watches none. A change
 * of `token` counts from the next connection on.
 */
export function useTask<Task = unknown>(
  id: string | null | undefined,
  options?: UseTaskOptions,
): TaskView<Task>;
