/**
 * When clients reconnect to a server that is restarted. As browsers do, they wait for the `retry:`
 * that they were sent, and for the same time again whenever nobody answers.
 *
 * @module
 */

import { openStream } from "../helpers/sse.ts";

/** Clients that keep a stream open, and reconnect when it ends. */
export class Clients implements AsyncDisposable {
  /** When streams ended, and (`returns`) when reconnects succeeded, as `performance.now()`. */
  readonly ends: number[] = [];
  readonly returns: number[] = [];
  /** Connects that failed. */
  refused = 0;
  readonly #stop = new AbortController();
  readonly #work: Promise<unknown>;
  readonly #ready: Promise<unknown>;

  /** Opens `count` streams at one address, which must stay the same. */
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

  /** Resolves when every client has had its first connection. */
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

  /** Closes all streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
