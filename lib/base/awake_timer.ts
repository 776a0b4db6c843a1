/**
 * A timer for the deadlines of others. While this process stands still (SIGSTOP, a suspended
 * machine, a blocked event loop) time goes on, but what arrives is not read: a plain timer would
 * then go off first, although nobody was late. So time is counted in steps, and a standstill counts
 * as one at most.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../task/limits.ts";

/** Into how many steps the time is divided, and the least milliseconds of a step. */
const STEPS = 8;
const MIN_STEP_MS = 50;

export class AwakeTimer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `run` after about `ms` milliseconds, unless the timer is set again or cleared before. */
  set(ms: number, run: () => void): void {
    this.clear();
    this.#go(ms, Math.min(Math.max(MIN_STEP_MS, ms / STEPS), MAX_TIMER_MS), run);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  /** @param mayRepeat Whether the last step is repeated if the process stood still during it. */
  #go(left: number, stepMs: number, run: () => void, mayRepeat = true): void {
    const ms = Math.min(left, stepMs);
    const due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (left > ms) return this.#go(left - ms, stepMs, run);
      const stoodStill = performance.now() - due > stepMs;
      if (stoodStill && mayRepeat) return this.#go(stepMs, stepMs, run, false);
      run();
    }, ms);
  }
}
