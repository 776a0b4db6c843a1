/**
 * A system under test: what a scenario needs to know of Headway or a peer.
 *
 * @module
 */

/** How a system is started. */
export interface StartOptions {
  /** Tasks that must be able to run at once. */
  concurrency: number;
  /** Where it keeps its data; empty, or as an earlier run left it. */
  directory: string;
  /** Listen there; a free port without it. */
  port?: number;
}

/** A started system: it answers. Disposing stops it in order. */
export interface Running extends AsyncDisposable {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Its processes, without their descendants. */
  readonly pids: number[];
  /** Milliseconds from the start of the first process to the first answer. */
  readonly startMs: number;
  /** Kills its processes as a power cut would. */
  kill(): Promise<void>;
}

/** Something that runs tasks and streams their progress. */
export interface System {
  readonly name: string;
  /** What it needs and this machine does not have, in words; `undefined` where it can be started. */
  lacks?(): Promise<string | undefined>;
  /** Starts it and waits for its first answer. */
  start(options: StartOptions): Promise<Running>;
}
