import { MAX_TIMER_MS } from "../task/limits.ts";

/** A timer for any length of time: `setTimeout` fires at once if that is over 24.8 days. */
export class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `run` after `ms` milliseconds, unless the timer is set again or cleared before. */
  set(ms: number, run: () => void): void {
    this.clear();
    this.#timer = ms > MAX_TIMER_MS
      ? setTimeout(() => this.set(ms - MAX_TIMER_MS, run), MAX_TIMER_MS)
      : setTimeout(run, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
