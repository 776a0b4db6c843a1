interface Waiting {
  at: number;
  run: () => void;
  /** Milliseconds between the ticks of an interval; `null` for a timeout. */
  every: number | null;
}

/** Replaces the global timers and `performance.now()`: time passes only when the test says so. */
export class FakeTimers implements Disposable {
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  readonly #realNow = performance.now;
  /** The delays of the timers that were set, in milliseconds. */
  readonly set: number[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #now = 0;

  constructor() {
    let id = 0;
    const setTimer = (run: () => void, ms: number, every: number | null = null) => {
      this.set.push(ms);
      this.#waiting.set(++id, { at: this.#now + ms, run, every });
      return id;
    };
    const clear = ((id: number) => this.#waiting.delete(id)) as typeof clearTimeout;
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms: number) => setTimer(run, ms),
      clearTimeout: clear,
      setInterval: (run: () => void, ms: number) => setTimer(run, ms, ms),
      clearInterval: clear,
    });
    performance.now = () => this.#now;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Lets `ms` milliseconds pass; each timer goes off at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (true) {
      const [next] = [...this.#waiting].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      await this.#goOff(next);
    }
    this.#now = end;
  }

  /** Lets the process stand still for `ms` milliseconds, after which the due timers go off late. */
  async standStill(ms: number): Promise<void> {
    this.#now += ms;
    const due = [...this.#waiting].filter(([, { at }]) => at <= this.#now);
    for (const each of due) await this.#goOff(each);
  }

  async #goOff([id, { at, run, every }]: [number, Waiting]): Promise<void> {
    this.#now = Math.max(this.#now, at);
    if (every === null) this.#waiting.delete(id);
    else this.#waiting.set(id, { at: this.#now + every, run, every });
    run();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
    performance.now = this.#realNow;
  }
}
