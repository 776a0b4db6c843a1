/**
 * How a run is asked to stop, and how long it may go on after that.
 *
 * @module
 */

import type { StopReason } from "./protocol.ts";
import { nextTurn } from "./run_events.ts";

/**
 * Yields after which a task that has its signal, and goes on though it was asked to stop, is stopped
 * at a yield, and milliseconds since the first of them. One that yielded at once when its signal
 * aborted is in its clean-up: it gets most of the time before its process is killed. Of another,
 * nobody knows whether it has noticed.
 */
const MAX_LATE_YIELDS = 64;
const MAX_CLEANUP_MS = 8000;
const MAX_UNSURE_MS = 1000;

const TEXT: Record<StopReason, string> = {
  cancel: "The task was canceled",
  timeout: "The task took longer than its time-out",
  stop: "The server is stopping; the task will go on from its checkpoint",
};

export class RunStop {
  readonly #elapsed: () => number;
  readonly #abort = new AbortController();
  #reason: StopReason | null = null;
  /** The turn of the event loop in which it was asked is over. */
  #turnOver = false;
  /** The task took its signal: that tells it to stop. */
  #signalTaken = false;
  /** How often it came to a `yield` since, and until when it may go on. */
  #lateYields = 0;
  #mayGoOnUntil = 0;
  /** Its generator was told to return: what it does now is clean-up. */
  #returning = false;

  /** `elapsed` gives milliseconds that only grow. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Why it was asked to; `null` before. */
  get reason(): StopReason | null {
    return this.#reason;
  }

  /** For what works for the task. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** For the task itself, which hears of it from now on. */
  takeSignal(): AbortSignal {
    this.#signalTaken = true;
    return this.#abort.signal;
  }

  /** Asks. What waits for the signal rejects with the error. */
  ask(
    reason: StopReason,
    error: unknown = new DOMException(TEXT[reason], "AbortError"),
  ): void {
    this.#reason = reason;
    void nextTurn().then(() => this.#turnOver = true);
    this.#abort.abort(error);
  }

  /** Notes that the generator comes to a `yield`. */
  atYield(): void {
    if (this.#reason === null || this.#lateYields++ > 0) return;
    this.#mayGoOnUntil = this.#elapsed() + (this.#turnOver ? MAX_UNSURE_MS : MAX_CLEANUP_MS);
  }

  /**
   * Whether a generator that is at a `yield` is told to return now, once: its `finally` blocks aside
   * it ends there. One that was elsewhere when its signal aborted may be in the clean-up which that
   * began: it goes on to its own end.
   */
  endsAtYield(): boolean {
    if (this.#reason === null || this.#returning) return false;
    const late = this.#lateYields > MAX_LATE_YIELDS || this.#elapsed() > this.#mayGoOnUntil;
    return this.#returning = !this.#signalTaken || this.#lateYields === 0 || late;
  }
}
