import type { WriteResult } from "./write.ts";

/** Counts which of a task's changes are written, and knows who waits for them. */
export class PendingWrites {
  #changed = 0;
  #rendered = 0;
  #written = 0;
  #loss: WriteResult | null = null;
  #waiters: { change: number; resolve(result: WriteResult): void }[] = [];

  /** Given up: the changes will not be written. */
  get lost(): boolean {
    return this.#loss !== null;
  }

  /** Nothing waits to be written. */
  get clean(): boolean {
    return this.#written === this.#changed;
  }

  change(): void {
    this.#changed++;
  }

  /** Everything up to now is in the next commit. */
  render(): void {
    this.#rendered = this.#changed;
  }

  /** Takes the result of that commit, and passes it to those who wait. */
  end(result: WriteResult): void {
    if (!result.ok) {
      this.#loss = result;
      this.#rendered = this.#changed;
    }
    this.#written = this.#rendered;
    const done = this.#waiters.filter((waiter) => waiter.change <= this.#written);
    this.#waiters = this.#waiters.filter((waiter) => waiter.change > this.#written);
    for (const waiter of done) waiter.resolve(result);
  }

  /** Resolves when everything so far is written, or has failed. */
  wait(): Promise<WriteResult> {
    if (this.#loss) return Promise.resolve(this.#loss);
    if (this.clean) return Promise.resolve({ ok: true, versionstamp: "" });
    const { promise, resolve } = Promise.withResolvers<WriteResult>();
    this.#waiters.push({ change: this.#changed, resolve });
    return promise;
  }
}
