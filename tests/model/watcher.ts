/**
 * Clients of event streams, as browsers are: they come again by themselves with the last id they
 * have, over any number of broken connections, until 204 or 404 tells them not to.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import { timePasses } from "../helpers/deadline.ts";
import type { ReadEvent } from "../helpers/sse.ts";

/** Milliseconds before a client comes again. */
const AGAIN_MS = 10;

/** What a client of any stream does. */
export abstract class Watcher implements AsyncDisposable {
  /** What it will send as `Last-Event-ID`; `null` for nothing. */
  lastEventId: string | null;
  /** The status that ended it for good. */
  over: number | null = null;
  failure: unknown = null;
  /** Connections it had. */
  connections = 0;

  readonly #where: () => string | null;
  readonly #path: string;
  #leave = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #reading: PromiseWithResolvers<void> | null = null;

  /** Begins at once. `where` says where the server is; `null` while it is down. */
  constructor(where: () => string | null, path: string, lastEventId: string | null) {
    this.#where = where;
    this.#path = path;
    this.lastEventId = lastEventId;
    this.#following = this.#follow();
  }

  /** Takes an event. What it throws is the client's failure. */
  protected abstract take(event: ReadEvent): void;

  /** A connection was opened. */
  protected abstract opened(): void;

  /** Whether it has a connection, or tries to get one. */
  get here(): boolean {
    return !this.#leave.signal.aborted && this.over === null;
  }

  /** Reads nothing from now on, and stays. */
  stopReading(): void {
    this.#reading ??= Promise.withResolvers();
  }

  /** Reads on. */
  readOn(): void {
    this.#reading?.resolve();
    this.#reading = null;
  }

  /** Goes, without a word. */
  async drop(): Promise<void> {
    this.#leave.abort();
    this.readOn();
    await this.#following;
  }

  /** Comes again, and says that it has this. */
  async comeBack(lastEventId: string | null): Promise<void> {
    await this.drop();
    this.lastEventId = lastEventId;
    this.over = null;
    this.#leave = new AbortController();
    this.#following = this.#follow();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#leave;
    while (!signal.aborted && this.over === null && this.failure === null) {
      const base = this.#where();
      try {
        if (base !== null) await this.#connect(base, signal);
      } catch (error) {
        // The server died, or we left; nothing else may happen to a connection.
        if (!(error instanceof TypeError) && !signal.aborted) this.failure = error;
      }
      if (!signal.aborted) await timePasses(AGAIN_MS);
    }
  }

  async #connect(base: string, signal: AbortSignal): Promise<void> {
    const id: Record<string, string> = this.lastEventId === null
      ? {}
      : { "last-event-id": this.lastEventId };
    const headers = { accept: "text/event-stream", ...id };
    const { status, body } = await fetch(base + this.#path, { headers, signal });
    if (status !== 200) {
      await body?.cancel();
      if (status !== 204 && status !== 404) throw new Error(`a stream was answered with ${status}`);
      this.over = status;
      return;
    }
    this.connections++;
    this.opened();
    const parser = createParser({
      onId: (id) => this.lastEventId = id,
      onEvent: ({ event = "message", data }) => {
        if (this.failure !== null) return;
        try {
          this.take({ id: this.lastEventId ?? "", event, data });
        } catch (error) {
          this.failure = error;
        }
      },
      onError: (error) => {
        throw new Error(`not an event stream: ${error.message}`);
      },
    });
    const decoder = new TextDecoder();
    const reader = body!.getReader();
    try {
      while (true) {
        await this.#reading?.promise;
        const { done, value } = await reader.read();
        // What came too late was not seen: its ids do not count.
        if (done || signal.aborted) return;
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}
