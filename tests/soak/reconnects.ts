/**
 * When clients come back to a server that is restarted, as browsers do: after the `retry:` they were
 * told, and again after it when nobody answers.
 *
 * @module
 */

import { openStream } from "../helpers/sse.ts";

/** Clients that hold a stream, and come again when it ends. */
export class Clients implements AsyncDisposable {
  /** When their streams ended, and when each came again and was let in: `performance.now()`. */
  readonly ends: number[] = [];
  readonly returns: number[] = [];
  /** Tries that met a closed door. */
  refused = 0;
  readonly #stop = new AbortController();
  readonly #work: Promise<unknown>;
  readonly #ready: Promise<unknown>;

  /** Opens a stream each, at an address that stays the same. */
  constructor(url: string, count: number) {
    const ready: Promise<void>[] = [];
    const works: Promise<void>[] = [];
    for (let n = 0; n < count; n++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      ready.push(promise);
      works.push(this.#live(url, resolve));
    }
    this.#ready = Promise.all(ready);
    this.#work = Promise.all(works);
  }

  /** Resolves when all of them are there for the first time. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  async #live(url: string, there: () => void): Promise<void> {
    const { signal } = this.#stop;
    let retry = 2000;
    for (let life = 0; !signal.aborted; life++) {
      try {
        await using stream = await openStream(url);
        const leave = () => void stream.close();
        signal.addEventListener("abort", leave, { once: true });
        await stream.until((it) => it.events.length > 0);
        if (life > 0) this.returns.push(performance.now());
        there();
        await stream.closed;
        signal.removeEventListener("abort", leave);
        retry = stream.retry ?? retry;
        if (!signal.aborted) this.ends.push(performance.now());
      } catch {
        if (!signal.aborted) this.refused++;
      }
      if (!signal.aborted) await this.#wait(retry);
    }
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#stop.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }

  /** They leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
