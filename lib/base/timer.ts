import { MAX_TIMER_MS } from "../task/limits.ts";

/** One timer, for times of any length: `setTimeout` goes off at once for more than 24.8 days. */
export class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Runs something after `ms` milliseconds, unless it is set again or cleared before. */
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
