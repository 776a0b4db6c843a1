/**
 * Reads an event stream with `fetch`, and reconnects until it is closed. An `EventSource` would not
 * do: it hides the heartbeats, so that a dead connection looks like a quiet one, it stops for good
 * at any status but 200, and it cannot send a token.
 *
 * @module
 */

import { createParser } from "eventsource-parser";
import type { ConnectionState } from "./client.d.ts";
import type { World } from "./world.ts";

export interface EventStreamOptions {
  world: World;
  /** The address and headers of the request; called before each try. */
  request(): StreamRequest | Promise<StreamRequest>;
  /** The event after which the first try resumes; without it, it does not resume. */
  lastEventId?: string;
  /** Milliseconds of silence after which the connection counts as dead. @default {37_500} */
  stallMs?: number;
  /** The stream is open: nothing that happens from now on, or after the last id, is missed. */
  onopen?(resumed: boolean): void;
  /** An event came, its JSON parsed; `id` is empty if it has none. */
  onevent(type: string, data: unknown, id: string): void;
  /** The state of the connection changed. */
  onstate(state: ConnectionState): void;
  /** Called before each read: nothing more is read until it resolves. */
  room?(): Promise<void> | null;
  /**
   * The longest wait between two tries, in milliseconds, after this status (`null` for no answer).
   * The first wait is as the server says in any case. @default {30_000}
   */
  maxRetryMs?(refused: number | null): number;
  /** The answer is not an event stream: returns whether to try again. Without it, always. */
  onrefused?(response: Response): Promise<boolean>;
}

/** A request for a stream. */
export interface StreamRequest {
  url: string;
  /** Headers in addition to those that every stream needs. */
  headers?: Record<string, string>;
}

/** 2.5 heartbeats. */
const STALL_MS = 37_500;

/** Milliseconds between two checks for silence. */
const LOOK_MS = 2500;

/** Milliseconds before the first retry, unless the server says otherwise, and the longest wait. */
const RETRY_MS = 1000;
export const MAX_RETRY_MS = 30_000;

const IDLE: ConnectionState = { state: "idle", since: null, refused: null };

export class EventStream {
  /** The event after which the next try resumes; empty before the first event. */
  lastEventId: string;
  /** The state of the connection. */
  state: ConnectionState = IDLE;

  readonly #options: EventStreamOptions;
  #running: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();
  /** Ends the try or the wait under way, and tries again at once. */
  #again: (() => void) | null = null;
  #heardAt = 0;
  /** When a stream ended regularly, which is reported only if the next try fails. */
  #endedAt: number | null = null;
  #full = false;
  #retryMs = RETRY_MS;
  #failures = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.lastEventId = options.lastEventId ?? "";
  }

  /** Whether it is open, or tries to open. */
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

  /** Reconnects after the last event. The state changes only if that fails. */
  reopen(): void {
    this.#failures = 0;
    this.#again?.();
  }

  /** Closes the connection; resolves when nothing of it is left. */
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

  /** Reads one connection to its end. Returns whether another try was requested. */
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
      // A connection that broke is handled like one that has ended.
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

  /** Reads the stream. Returns whether it had begun and came to its end. */
  async #take(
    body: ReadableStream<Uint8Array>,
    resumed: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { world, onopen, onevent } = this.#options;
    let opened = false;
    const parser = createParser({
      // Without an id the server has only asked to reconnect later.
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
      // Data that arrives after an abort is dropped: the next try resumes before it.
      if (done || signal.aborted) break;
      parser.feed(decoder.decode(value, { stream: true }));
      await this.#room(signal);
      this.#heardAt = world.now();
    }
    return opened && !signal.aborted;
  }

  /** Waits until the reader has room. That time does not count as silence of the server. */
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

/** Something else may answer at the same address, such as a proxy's page. */
function isEventStream({ status, headers, body }: Response): boolean {
  return status === 200 && body !== null &&
    headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** Rejects if the signal aborts before the value resolves. */
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
