/**
 * When the next task process of a module may be started: after a wait if the last one did not come
 * up, and a longer one each time.
 *
 * @module
 */

import { backoffBound, jittered } from "../task/backoff.ts";

const RESTART_CAP_MS = 60_000;

/** Milliseconds to wait after `failures` processes in a row failed to start. */
export function restartDelay(failures: number, baseMs = 1000, random = Math.random): number {
  return jittered(backoffBound(failures, baseMs, RESTART_CAP_MS), 0.25, random);
}

export class Restarts implements Disposable {
  readonly #baseMs: number | undefined;
  readonly #onmay: () => void;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onmay` is called when processes may be started again. */
  constructor(baseMs: number | undefined, onmay: () => void) {
    this.#baseMs = baseMs;
    this.#onmay = onmay;
  }

  get rests(): boolean {
    return this.#timer !== undefined;
  }

  /** A process failed to start. */
  failed(): void {
    const ms = restartDelay(++this.#failures, this.#baseMs);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onmay();
    }, ms);
  }

  /** A process takes a run: earlier failures no longer count. */
  worked(): void {
    this.#failures = 0;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
