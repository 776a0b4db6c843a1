import type { Logger } from "../base/log.ts";
import { patiently } from "../base/patiently.ts";

/** The owner of promises that nothing else waits for: failures are logged, and a stop waits for all. */
export class Jobs {
  readonly #log: Logger;
  readonly #jobs = new Set<Promise<unknown>>();
  #quiet = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  own(promise: Promise<unknown>): void {
    const job = promise.catch((error) => {
      if (!this.#quiet) this.#log.error("a job of the runner failed", { error });
    }).finally(() => this.#jobs.delete(job));
    this.#jobs.add(job);
  }

  /** Does work that must not be left undone: a failure is logged once, and the work is retried. */
  ensure(work: () => Promise<unknown>): void {
    let told = false;
    const attempt = () =>
      work().catch((error) => {
        if (!told && !this.#quiet) {
          this.#log.error("a job of the runner failed and is tried again", { error });
        }
        told = true;
        throw error;
      });
    this.own(patiently(attempt, () => !this.#quiet));
  }

  /** From now on failures are expected, as the store may be closed: not logged, and not retried. */
  quiet(): void {
    this.#quiet = true;
  }

  /** Resolves when nothing is left. */
  async idle(): Promise<void> {
    while (this.#jobs.size > 0) await Promise.allSettled(this.#jobs);
  }
}
