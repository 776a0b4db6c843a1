/**
 * A connection that is reopened for as long as it is wanted: reads an event stream with `fetch`,
 * which an EventSource cannot replace: it hides the heartbeats, so that a dead connection looks like
 * a quiet one, it stops for good at any status but 200, and it sends no token.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import type { ConnectionState } from "./client.d.ts";
import type { World } from "./world.ts";

export interface EventStreamOptions {
  world: World;
  /** Where, and with what headers; asked before each try. */
  request(): StreamRequest | Promise<StreamRequest>;
  /** Where the first try resumes; without it nowhere. */
  lastEventId?: string;
  /** Milliseconds in which nothing is heard before it counts as dead. @default {37_500} */
  stallMs?: number;
  /** The server has begun to listen for us: nothing from here on, or from our last id, is missed. */
  onopen?(resumed: boolean): void;
  /** An event, its JSON read; `id` is empty where it has none. */
  onevent(type: string, data: unknown, id: string): void;
  /** The connection is another. */
  onstate(state: ConnectionState): void;
  /** Asked before each read: nothing more is taken in until it resolves. */
  room?(): Promise<void> | null;
  /**
   * Milliseconds that a wait between two tries grows to, after this answer (`null` for none at all).
   * The first wait is as the server says in any case. @default {30_000}
   */
  maxRetryMs?(refused: number | null): number;
  /** Answered with something that is not an event stream: whether to try again. Without it, always. */
  onrefused?(response: Response): Promise<boolean>;
}

/** What is asked for. */
export interface StreamRequest {
  url: string;
  /** Beside those that every stream needs. */
  headers?: Record<string, string>;
}

/** 2.5 heartbeats. */
const STALL_MS = 37_500;

/** Milliseconds between two looks at that. */
const LOOK_MS = 2500;

/** Milliseconds before the first new try, unless the server says otherwise, and the most. */
const RETRY_MS = 1000;
export const MAX_RETRY_MS = 30_000;

const IDLE: ConnectionState = { state: "idle", since: null, refused: null };

export class EventStream {
  /** Where a new try resumes; empty before the first event. */
  lastEventId: string;
  /** How it stands. */
  state: ConnectionState = IDLE;

  readonly #options: EventStreamOptions;
  #running: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();
  /** Ends the try or the wait that is under way, for another try at once. */
  #again: (() => void) | null = null;
  #heardAt = 0;
  /** When it ended as every stream does: nobody is told unless the next try fails. */
  #endedAt: number | null = null;
  #full = false;
  #retryMs = RETRY_MS;
  #failures = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.lastEventId = options.lastEventId ?? "";
  }

  /** Whether it is open, or tries to be. */
  get running(): boolean {
    return this.#running !== null;
  }

  open(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    this.#failures = 0;
    this.#set({ state: "connecting", since: null, refused: null });
    this.#ended = this.#run(this.#running.signal);
  }

  /** Reconnects, where it was, without saying so unless it fails. */
  reopen(): void {
    this.#failures = 0;
    this.#again?.();
  }

  /** Lets go of the connection; resolves when nothing of it is left. */
  close(): Promise<void> {
    this.#running?.abort();
    this.#running = null;
    this.#set(IDLE);
    return this.#ended;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const asked = await this.#read(signal);
      if (signal.aborted) return;
      if (asked) continue;
      const most = this.#options.maxRetryMs?.(this.state.refused) ?? MAX_RETRY_MS;
      const wait = Math.min(Math.max(most, this.#retryMs), this.#retryMs * 2 ** this.#failures++);
      await this.#wait(wait * (0.5 + this.#options.world.random() / 2), signal);
    }
  }

  /** Reads one connection to its end; whether that was asked for. */
  async #read(signal: AbortSignal): Promise<boolean> {
    const { world, request, stallMs = STALL_MS, onrefused } = this.#options;
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
    let ended = false;
    this.#heardAt = world.now();
    let stopLooking = () => {};
    const look = () => {
      if (!this.#full && world.now() - this.#heardAt >= stallMs) {
        since = this.#heardAt;
        abort();
      } else {
        stopLooking = world.after(Math.min(LOOK_MS, stallMs), look);
      }
    };
    look();
    try {
      const { url, headers } = await unlessAborted(attempt.signal, request());
      const id = this.lastEventId;
      const response = await world.fetch(url, {
        headers: {
          accept: "text/event-stream",
          ...(id === "" ? {} : { "last-event-id": id }),
          ...headers,
        },
        cache: "no-store",
        signal: attempt.signal,
      });
      if (isEventStream(response)) {
        ended = await this.#take(response.body!, id !== "", attempt.signal);
      } else {
        refused = response.status;
        const goOn = await onrefused?.(response) ?? true;
        if (!response.bodyUsed) await response.body?.cancel();
        if (!goOn) void this.close();
      }
    } catch {
      // It broke, or was ended: what to do is the same.
    } finally {
      stopLooking();
      signal.removeEventListener("abort", abort);
      if (this.#again === again) this.#again = null;
    }
    if (signal.aborted || asked) return asked;
    if (ended) {
      this.#endedAt = world.now();
    } else {
      this.#set({
        state: "waiting",
        since: this.state.since ?? this.#endedAt ?? since ?? world.now(),
        refused,
      });
    }
    return asked;
  }

  /** Whether the stream had begun and came to its end. */
  async #take(
    body: ReadableStream<Uint8Array>,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { world, onopen, onevent } = this.#options;
    let opened = false;
    const parser = createParser({
      // An answer without an id is one that sends us away.
      onId: (id) => {
        this.lastEventId = id;
        if (opened) return;
        opened = true;
        this.#failures = 0;
        this.#endedAt = null;
        this.#set({ state: "live", since: null, refused: null });
        onopen?.(resumed);
      },
      onEvent: ({ event = "message", data, id = "" }) => onevent(event, JSON.parse(data), id),
      onRetry: (ms) => this.#retryMs = ms,
      onComment: () => {},
    });
    const decoder = new TextDecoder();
    const reader = body.getReader();
    while (!signal.aborted) {
      // Not every platform ends a read when the request is aborted.
      const { done, value } = await unlessAborted(signal, reader.read());
      // What had come before the end is not taken in: the next try resumes before it.
      if (done || signal.aborted) break;
      parser.feed(decoder.decode(value, { stream: true }));
      await this.#room(signal);
      this.#heardAt = world.now();
    }
    return opened && !signal.aborted;
  }

  /** Waits, if need be, until somebody has taken what came: the silence until then is ours. */
  async #room(signal: AbortSignal): Promise<void> {
    const room = this.#options.room?.() ?? null;
    if (room === null) return;
    this.#full = true;
    await unlessAborted(signal, room).finally(() => this.#full = false);
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#options.world.after(ms, resolve);
    this.#again = resolve;
    return unlessAborted(signal, promise).catch(() => {}).finally(() => {
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

/** A page may be at the same address, for a while or for good. */
function isEventStream({ status, headers, body }: Response): boolean {
  return status === 200 && body !== null &&
    headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** Rejects when the signal aborts before the value is there. */
async function unlessAborted<T>(signal: AbortSignal, value: T | Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  try {
    return await Promise.race([value, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
