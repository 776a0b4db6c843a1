/**
 * The hook that is told of failed attempts, as for an error tracker or a pager.
 *
 * @module
 */

/** An attempt that failed. */
export interface FailedAttempt {
  /** The task's id. */
  taskId: string;
  /** Its kind. */
  kind: string;
  /** The number of the attempt, from 1. */
  attempt: number;
  /** The number of attempts after which a failure is final. */
  maxAttempts: number;
  /** Whether another attempt follows. */
  willRetry: boolean;
}

/**
 * Called for each attempt that fails, with what was thrown. What it returns or throws changes
 * nothing for the task. A promise that it returns is awaited for at most two seconds.
 */
export type OnError = (error: unknown, failed: FailedAttempt) => unknown;
