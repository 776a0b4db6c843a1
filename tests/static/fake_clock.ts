/** A clock that moves only when told to. Its random numbers are all the same. */
export class FakeClock {
  #time = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];

  random(): number {
    return 0.5;
  }

  now(): number {
    return this.#time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#time + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, and runs each timer at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settled();
    while (true) {
      const next = this.#timers.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.shift();
      this.#time = Math.max(this.#time, next.at);
      next.run();
      await settled();
    }
    this.#time = end;
  }

  /** Moves the time without running timers, as when the machine sleeps. */
  sleep(ms: number): void {
    this.#time += ms;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.length;
  }
}

/** Waits three turns of the event loop, so that everything that waits only for its turn has run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
