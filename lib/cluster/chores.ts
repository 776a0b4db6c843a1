import type { Logger } from "../base/log.ts";

type Work = () => Promise<void>;

/** Runs recurring work and owns its promises; chores of one name never overlap. */
export class Chores {
  readonly #log: Logger;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #running = new Map<string, Promise<void>>();
  /** Chores asked for while one of the same name was running: they run after it. */
  readonly #wanted = new Map<string, Work>();
  readonly #closing = new AbortController();

  /** Chores that fail are logged. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /** Aborts with {@link Chores.stop}. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Runs a chore every `ms` milliseconds; a time is skipped if one of this name is still running. */
  every(ms: number, name: string, work: Work): void {
    if (this.signal.aborted) return;
    this.#timers.push(setInterval(() => {
      if (!this.#running.has(name)) this.once(name, work);
    }, ms));
  }

  /** Runs a chore now; if one of this name is running, again after it, as that may miss what is new. */
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

  /** Starts nothing more, and waits for the chores that are running. */
  async stop(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#running.values());
  }
}
