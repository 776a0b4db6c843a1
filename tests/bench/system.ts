/**
 * A system under test: what a scenario needs to know of Headway or a peer.
 *
 * @module
 */

/** The options for the start of a system. */
export interface StartOptions {
  /** Tasks that must be able to run at once. */
  concurrency: number;
  /** The folder for its data; empty, or as an earlier run left it. */
  directory: string;
  /** The port to listen on. @default {a free one} */
  port?: number;
}

/** A started system, which answers. Disposing of it stops it cleanly. */
export interface Running extends AsyncDisposable {
  /** Its port on 127.0.0.1. */
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
  /** Names what this machine lacks for it, in words; `undefined` if it can be started. */
  lacks?(): Promise<string | undefined>;
  /** Starts it and waits for its first answer. */
  start(options: StartOptions): Promise<Running>;
}
