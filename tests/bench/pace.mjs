// deno-lint-ignore-file explicit-module-boundary-types -- Node runs it: types are in the JSDoc
// @ts-check
/**
 * The work that both systems do: ticks on an absolute schedule, so that a late one does not delay
 * the next, each task with a phase of its own, so that they do not tick in lockstep. Plain
 * JavaScript because Node (the peer) runs the same file.
 *
 * @module
 */

/** Waits for the ticks of one task. */
export class Pace {
  /** @type {number} */ #start;
  /** @type {number} */ #period;
  /** @type {(() => void) | undefined} */ #wake;
  /** @type {AbortSignal | undefined} */ #signal;

  /**
   * @param {{ hz: number, start: number }} schedule Ticks a second; wall clock, milliseconds.
   * @param {AbortSignal} [signal] Ends a wait at once.
   */
  constructor({ hz, start }, signal) {
    this.#period = 1000 / hz;
    this.#start = start + Math.random() * Math.min(this.#period, 60_000);
    this.#signal = signal;
    signal?.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  /**
   * Resolves when the tick is due: 0 is the first.
   *
   * @param {number} index
   * @returns {Promise<void>}
   */
  async due(index) {
    const wait = this.#start + index * this.#period - wallClock();
    if (wait <= 0 || this.#signal?.aborted) return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(wait, 2 ** 31 - 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }
}

/**
 * The message of a tick: when it was yielded, and which it is.
 *
 * @param {number} tick From 1.
 * @returns {string}
 */
export function stamp(tick) {
  return `${wallClock().toFixed(3)} ${tick}`;
}

function wallClock() {
  return performance.timeOrigin + performance.now();
}
