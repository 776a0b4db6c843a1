/**
 * Turns at something that only so many may do at once, first come, first served.
 *
 * @module
 */

/** See the module. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** Lets `atOnce` be at it together. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Does `work` when it is its turn. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** The same, but whoever leaves before that gives the turn to the next, and gets `undefined`. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    if (!await this.#turn(signal)) return undefined;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // Whoever ends passes the turn on.
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<boolean> | boolean {
    if (signal?.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = (goes: boolean) => {
      this.#waiting.delete(go);
      signal?.removeEventListener("abort", leave);
      resolve(goes);
    };
    const go = () => end(true);
    const leave = () => end(false);
    this.#waiting.add(go);
    signal?.addEventListener("abort", leave);
    return promise;
  }
}
