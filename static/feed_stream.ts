/**
 * The feed's connection: reads an event stream with `fetch`, which an EventSource cannot replace: it
 * hides the heartbeats, so that a dead connection looks like a quiet one, and it stops for good at
 * any status but 200.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import type { ConnectionState, FeedWorld } from "./feed_protocol.ts";

/** What {@link FeedStream} takes. */
export interface FeedStreamOptions {
  /** See there. */
  world: FeedWorld;
  /** Where; asked before each try. */
  url(): string;
  /** The server has begun to listen for us: nothing from here on, or from our last id, is missed. */
  onopen(resumed: boolean): void;
  /** An event, its JSON read. */
  onevent(type: string, data: unknown): void;
  /** The connection is another. */
  onstate(state: ConnectionState): void;
}

/** Milliseconds in which nothing is heard before the connection counts as dead: 2.5 heartbeats. */
const STALL_MS = 37_500;

/** Milliseconds between two looks at that. */
const LOOK_MS = 2500;

/** Milliseconds before the first new try, unless the server says otherwise, and the most. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/** See the module. */
export class FeedStream {
  /** Where a new try resumes; empty before the first event. */
  lastEventId = "";
  /** How it stands. */
  state: ConnectionState = { state: "idle", since: null, refused: null };

  readonly #options: FeedStreamOptions;
  #running: AbortController | null = null;
  /** Ends the try or the wait that is under way, for another try at once. */
  #again: (() => void) | null = null;
  #heardAt = 0;
  #retryMs = RETRY_MS;
  #failures = 0;

  constructor(options: FeedStreamOptions) {
    this.#options = options;
  }

  /** Whether it is open, or tries to be. */
  get running(): boolean {
    return this.#running !== null;
  }

  /** Connects, and goes on doing so. */
  open(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    this.#failures = 0;
    this.#set({ state: "connecting", since: null, refused: null });
    void this.#run(this.#running.signal);
  }

  /** Connects anew, where it was, without saying so unless it fails. */
  reopen(): void {
    this.#failures = 0;
    this.#again?.();
  }

  /** Lets go of the connection. */
  close(): void {
    this.#running?.abort();
    this.#running = null;
    this.#set({ state: "idle", since: null, refused: null });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const asked = await this.#read(signal);
      if (signal.aborted) return;
      if (asked) continue;
      const wait = Math.min(MAX_RETRY_MS, this.#retryMs * 2 ** this.#failures++);
      await this.#wait(wait * (0.5 + this.#options.world.random() / 2), signal);
    }
  }

  /** Reads one connection to its end; whether that was asked for. */
  async #read(signal: AbortSignal): Promise<boolean> {
    const { world } = this.#options;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal.addEventListener("abort", abort);
    let asked = false;
    const again = () => {
      asked = true;
      abort();
    };
    this.#again = again;
    let since: number | null = null;
    let refused: number | null = null;
    this.#heardAt = world.now();
    let stopLooking = () => {};
    const look = () => {
      if (world.now() - this.#heardAt >= STALL_MS) {
        since = this.#heardAt;
        abort();
      } else {
        stopLooking = world.after(LOOK_MS, look);
      }
    };
    look();
    try {
      const id = this.lastEventId;
      const response = await world.fetch(this.#options.url(), {
        headers: { accept: "text/event-stream", ...(id === "" ? {} : { "last-event-id": id }) },
        cache: "no-store",
        signal: attempt.signal,
      });
      if (response.status === 200 && response.body !== null) {
        await this.#take(response.body, id !== "", attempt.signal);
      } else {
        refused = response.status;
        await response.body?.cancel();
      }
    } catch {
      // It broke, or was ended: what to do is the same.
    } finally {
      stopLooking();
      signal.removeEventListener("abort", abort);
      if (this.#again === again) this.#again = null;
    }
    if (!signal.aborted && !asked) {
      this.#set({
        state: "waiting",
        since: this.state.since ?? since ?? world.now(),
        refused,
      });
    }
    return asked;
  }

  async #take(
    body: ReadableStream<Uint8Array>,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { world, onopen, onevent } = this.#options;
    let opened = false;
    const parser = createParser({
      // An answer without an id is one that sends us away.
      onId: (id) => {
        this.lastEventId = id;
        if (opened) return;
        opened = true;
        this.#failures = 0;
        this.#set({ state: "live", since: null, refused: null });
        onopen(resumed);
      },
      onEvent: ({ event = "message", data }) => onevent(event, JSON.parse(data)),
      onRetry: (ms) => this.#retryMs = ms,
      onComment: () => {},
    });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    while (true) {
      const { done, value } = await reader.read();
      // What had come before the end is not taken in: the next try resumes before it.
      if (done || signal.aborted) return;
      this.#heardAt = world.now();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#options.world.after(ms, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#again = resolve;
    return promise.finally(() => {
      stop();
      if (this.#again === resolve) this.#again = null;
    });
  }

  #set(state: ConnectionState): void {
    const { state: old, since, refused } = this.state;
    this.state = state;
    if (old !== state.state || since !== state.since || refused !== state.refused) {
      this.#options.onstate(state);
    }
  }
}
