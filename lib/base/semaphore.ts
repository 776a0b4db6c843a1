/** Lets `atOnce` jobs run at once; the others wait, first come, first served. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves with a permit, which is given back when it is disposed of. */
  acquire(): Promise<Disposable>;
  /** Resolves with `null` if the signal aborts first. */
  acquire(signal: AbortSignal | undefined): Promise<Disposable | null>;
  async acquire(signal?: AbortSignal): Promise<Disposable | null> {
    if (signal?.aborted) return null;
    if (this.#free > 0) this.#free--;
    else if (!await this.#wait(signal)) return null;
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#release();
      },
    };
  }

  /** Runs `work` with a permit. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Returns `undefined` if the signal aborts before `work` starts. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>;
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    using permit = await this.acquire(signal);
    return permit === null ? undefined : await work();
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next) next();
    else this.#free++;
  }

  #wait(signal: AbortSignal | undefined): Promise<boolean> {
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
