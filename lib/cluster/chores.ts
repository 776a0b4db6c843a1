import type { Logger } from "../base/log.ts";

/** Work that comes again and again, and the owner of its promises: one chore of a name at a time. */
export class Chores {
  readonly #log: Logger;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #running = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  /** Failures go to the log. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /** Aborts with {@link Chores.stop}. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Does it each `ms` milliseconds; skipped while the last one is still under way. */
  every(ms: number, name: string, work: () => Promise<void>): void {
    if (this.signal.aborted) return;
    this.#timers.push(setInterval(() => this.once(name, work), ms));
  }

  /** Does it now, unless it is under way. */
  once(name: string, work: () => Promise<void>): void {
    if (this.signal.aborted || this.#running.has(name)) return;
    const chore = work().catch((error) => {
      if (!this.signal.aborted) this.#log.error(`cannot ${name}`, { error });
    }).finally(() => this.#running.delete(name));
    this.#running.set(name, chore);
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running.values());
  }
}
