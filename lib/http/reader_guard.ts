import { AwakeTimer } from "../base/awake_timer.ts";
import { BACKLOG, type Backlog } from "../base/backlog.ts";

/** Milliseconds after which a reader that takes nothing is dropped, as it is from a stream. */
const STALL_MS = 60_000;

export interface ReaderGuardOptions {
  /** Milliseconds after which a reader that takes nothing is dropped. @default {60_000} */
  stallMs?: number;
  /** Counts what is held for all readers. */
  backlog?: Backlog;
}

/** Drops the reader of a body that takes nothing for long, or whose memory is needed for others. */
export class ReaderGuard {
  readonly #stallMs: number;
  readonly #backlog: Backlog;
  readonly #timer = new AwakeTimer();
  readonly #waiting = { letGo: () => this.#giveUp() };
  readonly #onend: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** Calls `onend` once all was read, or the reader has gone. */
  constructor({ stallMs = STALL_MS, backlog = BACKLOG }: ReaderGuardOptions, onend = () => {}) {
    this.#stallMs = stallMs;
    this.#backlog = backlog;
    this.#onend = onend;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  /** To be called when the reader takes more. */
  reads(): void {
    this.#timer.clear();
  }

  /** To be called while the reader has yet to take the last chunk; `held` bytes are kept for it. */
  waits(held: number): void {
    this.#timer.set(this.#stallMs, () => this.#giveUp());
    this.#backlog.note(this.#waiting, held, performance.now(), true);
  }

  end(): void {
    this.#timer.clear();
    this.#backlog.forget(this.#waiting);
    this.#onend();
  }

  #giveUp(): void {
    this.end();
    this.#controller?.error(new Error("The client stopped reading"));
  }
}
