import type { Logger } from "../base/log.ts";

type Work = () => Promise<void>;

/** Work that comes again and again, and the owner of its promises: one chore of a name at a time. */
export class Chores {
  readonly #log: Logger;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #running = new Map<string, Promise<void>>();
  /** Asked for since what is under way began. */
  readonly #wanted = new Map<string, Work>();
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
  every(ms: number, name: string, work: Work): void {
    if (this.signal.aborted) return;
    this.#timers.push(setInterval(() => {
      if (!this.#running.has(name)) this.once(name, work);
    }, ms));
  }

  /** Does it now; where it is under way once more behind that, which may have passed what is new. */
  once(name: string, work: Work): void {
    if (this.signal.aborted) return;
    if (this.#running.has(name)) this.#wanted.set(name, work);
    else this.#running.set(name, this.#run(name, work));
  }

  async #run(name: string, work: Work): Promise<void> {
    for (let next: Work | undefined = work; next && !this.signal.aborted;) {
      try {
        await next();
      } catch (error) {
        if (!this.signal.aborted) this.#log.error(`cannot ${name}`, { error });
      }
      next = this.#wanted.get(name);
      this.#wanted.delete(name);
    }
    this.#running.delete(name);
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running.values());
  }
}
