/**
 * Clients of event streams. Like browsers, they reconnect with the last event id whenever a
 * connection breaks, until the server answers 204 or 404.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import { timePasses } from "../helpers/deadline.ts";
import type { ReadEvent } from "../helpers/sse.ts";

/** Milliseconds before a client reconnects. */
const AGAIN_MS = 10;

/** A client of any stream. */
export abstract class Watcher implements AsyncDisposable {
  /** The `Last-Event-ID` that it sends next; `null` for none. */
  lastEventId: string | null;
  /** The status of the answer that ended it for good. */
  over: number | null = null;
  failure: unknown = null;
  /** How many connections it has had. */
  connections = 0;

  readonly #where: () => string | null;
  readonly #path: string;
  #leave = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #reading: PromiseWithResolvers<void> | null = null;

  /** Connects at once. `where` returns the server's origin; `null` while it is down. */
  constructor(where: () => string | null, path: string, lastEventId: string | null) {
    this.#where = where;
    this.#path = path;
    this.lastEventId = lastEventId;
    this.#following = this.#follow();
  }

  /** Takes an event. An error that it throws becomes `failure`. */
  protected abstract take(event: ReadEvent): void;

  /** Called when a connection is open. */
  protected abstract opened(): void;

  /** Whether it has a connection, or tries to get one. */
  get here(): boolean {
    return !this.#leave.signal.aborted && this.over === null;
  }

  /** Stops reading, but keeps the connection. */
  stopReading(): void {
    this.#reading ??= Promise.withResolvers();
  }

  /** Reads again. */
  readOn(): void {
    this.#reading?.resolve();
    this.#reading = null;
  }

  /** Disconnects. */
  async drop(): Promise<void> {
    this.#leave.abort();
    this.readOn();
    await this.#following;
  }

  /** Reconnects with this `Last-Event-ID`. */
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
        // A TypeError means that the server died; otherwise only our own abort may end a connection.
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
        // Events after the abort do not count as seen, nor do their ids.
        if (done || signal.aborted) return;
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}
