/**
 * What tells others of failures: an error tracker, a pager.
 *
 * @module
 */

/** An attempt that failed. */
export interface FailedAttempt {
  /** The task's id. */
  taskId: string;
  /** Its kind. */
  kind: string;
  /** From 1. */
  attempt: number;
  /** After so many attempts a failure is final. */
  maxAttempts: number;
  /** Another attempt follows. */
  willRetry: boolean;
}

/**
 * Told of each attempt that fails, with what was thrown. What it does, returns or throws changes
 * nothing for the task. A promise that it returns is waited for, two seconds at most.
 */
export type OnError = (error: unknown, failed: FailedAttempt) => unknown;
