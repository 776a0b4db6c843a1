/** Lets a number of jobs run at once; the others wait, first come, first served. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs `work` when it is its turn. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Gives up its turn and returns `undefined` if the signal aborts before `work` starts. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    if (!await this.#turn(signal)) return undefined;
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
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
