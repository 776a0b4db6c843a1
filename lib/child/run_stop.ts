/**
 * How a run is asked to stop, and how long it may go on after that.
 *
 * @module
 */

import type { StopReason } from "./protocol.ts";
import { nextTurn } from "./run_events.ts";

/**
 * How many yields, and how many milliseconds from the first of them, a task that took its signal may go
 * on after it was asked to stop. If it yielded in the turn of the event loop in which its signal
 * aborted, it is cleaning up, and gets most of the time before its process is killed. Otherwise it may
 * not have noticed.
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
  /** Whether the turn of the event loop in which it was asked is over. */
  #turnOver = false;
  /** Whether the task took its signal, which tells it to stop. */
  #signalTaken = false;
  /** How often it has yielded since it was asked, and until when it may go on. */
  #lateYields = 0;
  #mayGoOnUntil = 0;
  /** Whether its generator was told to return: what it does then is clean-up. */
  #returning = false;

  /** `elapsed` gives milliseconds that only grow. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Why it was asked to stop; `null` before. */
  get reason(): StopReason | null {
    return this.#reason;
  }

  /** The signal for what works for the task. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The signal for the task itself, which is told to stop by it from now on. */
  takeSignal(): AbortSignal {
    this.#signalTaken = true;
    return this.#abort.signal;
  }

  /** Asks it to stop. What waits for the signal rejects with the error. */
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
   * Whether a generator at a `yield` must return now; `true` only once. It ends there, after its
   * `finally` blocks. One that was elsewhere when its signal aborted may be in the clean-up that this
   * began, and goes on to its own end.
   */
  endsAtYield(): boolean {
    if (this.#reason === null || this.#returning) return false;
    const late = this.#lateYields > MAX_LATE_YIELDS || this.#elapsed() > this.#mayGoOnUntil;
    return this.#returning = !this.#signalTaken || this.#lateYields === 0 || late;
  }
}
