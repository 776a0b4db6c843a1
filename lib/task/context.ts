/**
 * What a task's generator is given.
 *
 * @module
 */

/** What is known of an upload. */
export interface UploadInfo {
  /** Names it in a task's input. */
  upload_id: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** The file name the client gave, or `null`. */
  name: string | null;
  /** When it will be removed. ISO 8601. */
  expires_at: string;
}

/** What `run` is given. */
// deno-lint-ignore no-explicit-any -- without a schema, what this task's own `save` wrote
export interface TaskContext<Input, Checkpoint = any> {
  /** The validated input. */
  input: Input;
  /** Aborts on cancel, time-out and stop. `signal.reason` tells which. */
  signal: AbortSignal;
  /**
   * What the task last saved, as its `checkpoint` schema makes it where it has one; `undefined` at a
   * first start.
   */
  checkpoint: Checkpoint | undefined;
  /** From 1. A restart after a crash is the same attempt. */
  attempt: number;
  /** The task's id. */
  taskId: string;
  /**
   * The same text whenever this task does the step of this name, and another for any other: for the
   * idempotency key of whom the step calls. ASCII, without spaces.
   */
  stepKey(name: string): string;
  /** The bytes of an upload, from `offset` (default 0). Errors with `NotFound` when it is gone. */
  upload(uploadId: string, options?: { offset?: number }): ReadableStream<Uint8Array>;
  /** Size, name and digest of an upload. Rejects with `NotFound` when it is gone. */
  uploadInfo(uploadId: string): Promise<UploadInfo>;
}
