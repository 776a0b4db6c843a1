/**
 * Turns at something that only so many may do at once, first come, first served.
 *
 * @module
 */

/** See the module. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** Lets `atOnce` be at it together. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Does `work` when it is its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    // Whoever ends passes the turn on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
