/**
 * The argument of a task's `run`.
 *
 * @module
 */

/** The description of an upload. */
export interface UploadInfo {
  /** The id by which a task's input names it. */
  upload_id: string;
  /** Its size in bytes. */
  size: number;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** The file name the client gave, or `null`. */
  name: string | null;
  /** Until when it is kept at least, ISO 8601: longer where a task or a schedule needs it. */
  expires_at: string;
}

/** The argument of {@link ./task_options.ts TaskOptions.run}. */
// deno-lint-ignore no-explicit-any -- without a schema, what this task's own `save` wrote
export interface TaskContext<Input, Checkpoint = any> {
  /** The validated input. */
  input: Input;
  /** Aborts on a cancel, a time-out or a stop of the server. `signal.reason` tells which. */
  signal: AbortSignal;
  /**
   * The task's last checkpoint, as its `checkpoint` schema returns it where it has one; `undefined`
   * for a start from the beginning.
   */
  checkpoint: Checkpoint | undefined;
  /** The number of the attempt, from 1. A restart after a crash is the same attempt. */
  attempt: number;
  /** The task's id. */
  taskId: string;
  /**
   * The key of a step, to pass on as an idempotency key to the service that the step calls: it
   * depends on the task's id and the step's name alone. ASCII, without spaces.
   */
  stepKey(name: string): string;
  /** Reads an upload from byte `offset` (default 0) on. Errors with `NotFound` if it is gone. */
  upload(uploadId: string, options?: { offset?: number }): ReadableStream<Uint8Array>;
  /** Describes an upload. Rejects with `NotFound` if it is gone. */
  uploadInfo(uploadId: string): Promise<UploadInfo>;
}
