/**
 * One client's stream: a response body that takes messages, sends heartbeats, drops a reader that
 * does not read, and ends cleanly.
 *
 * @module
 */

import { jittered } from "../task/backoff.ts";
import { SendQueue } from "./send_queue.ts";
import { encodeBytes, HEARTBEAT } from "./encode.ts";
import type { Pulse, Pulsed, StreamEnd } from "./pulse.ts";

/**
 * Messages that the body may hold before others wait in the queue, where they are conflated. The
 * body counts messages, not bytes: a size function called for each would cost as much as the write
 * itself.
 */
const BODY_MESSAGES = 16;

/** Bytes that the body may hold; the last message may exceed them. */
const BODY_BYTES = 256 * 1024;

/** Unread bytes from which {@link SseStream.drained} waits for the reader. */
const UNREAD_BYTES = 64 * 1024;

/** Bytes taken from the queue at once. */
const TAKE_BYTES = 16 * 1024;

/** Milliseconds after which a reader that takes nothing is dropped. */
const STALL_MS = 60_000;

export interface SseStreamOptions {
  /** Shared by all streams of the process. */
  pulse: Pulse;
  /** Milliseconds without a message after which a comment is sent; 0 for never. */
  heartbeatMs: number;
  /** Milliseconds after which it ends, jittered to 80 to 100 % of this; 0 for never. */
  lifeMs: number;
  /** Milliseconds after which it ends in any case. @default {Infinity} */
  endsInMs?: number;
  /** Milliseconds, jittered by half, that are sent as `retry:` at once; 0 for none. */
  retryMs: number;
  queue: number;
  /** 0 to below 1. @default {Math.random} */
  random?: () => number;
}

export class SseStream implements Pulsed {
  readonly body: ReadableStream<Uint8Array>;
  /** How it ended; `null` while it is open. */
  ended: StreamEnd | null = null;

  readonly #closed = new AbortController();
  readonly #options: SseStreamOptions;
  readonly #queue: SendQueue;
  readonly #diesAt: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #sentAt: number;
  #readAt: number;
  /** Messages given to the body, and how many its reader had taken at the last `#note()`. */
  #given = 0;
  #taken = 0;
  /** Bytes given to the body since it was last seen empty: the most that it may hold. */
  #bytes = 0;
  /** Whether the reader had time to take what was there, and has not. */
  #behind = false;
  #finishing: StreamEnd | null = null;
  #drained: PromiseWithResolvers<void> | null = null;
  #beat: (() => Uint8Array) | null = null;

  /** Begins with the `retry:` line, so that headers and first bytes go out at once. */
  constructor(options: SseStreamOptions) {
    this.#options = options;
    const { pulse, lifeMs, endsInMs = Infinity, retryMs, queue, random = Math.random } = options;
    this.#queue = new SendQueue({ limit: queue });
    const now = pulse.now;
    this.#sentAt = now;
    this.#readAt = now;
    const life = lifeMs > 0 ? lifeMs * (0.8 + 0.2 * random()) : Infinity;
    this.#diesAt = now + Math.min(life, endsInMs);
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#close("gone"),
      },
      { highWaterMark: BODY_MESSAGES },
    );
    if (retryMs > 0) {
      const retry = jittered(retryMs, 0.5, random);
      this.#give(encodeBytes({ retry }));
    }
    pulse.add(this);
  }

  /**
   * Sends a message. One with a `key` replaces an earlier one with that key that still waits. After
   * the end nothing is sent.
   */
  send(bytes: Uint8Array, key: string | null = null): void {
    if (this.ended !== null || this.#finishing !== null) return;
    const { pulse } = this.#options;
    this.#sentAt = pulse.now;
    const room = this.#room;
    if (this.#queue.size === 0 && room && pulse.inTurn()) {
      pulse.sent++;
      this.#give(bytes);
    } else if (this.#queue.push(bytes, key, !this.#behind)) {
      if (room) pulse.defer(this);
      else pulse.watch(this);
      this.#note();
    } else {
      // The client gets what it has not read when it resumes.
      this.#queue.clear();
      this.end("slow");
    }
  }

  /** Sends this before each heartbeat from now on: an id that moves the client's cursor on. */
  beatWith(beat: () => Uint8Array): void {
    this.#beat = beat;
  }

  /** Aborts when it has ended, for any reason. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Resolves when less than `UNREAD_BYTES` wait for the reader, or the stream has ended. */
  async drained(): Promise<void> {
    // A reader that keeps up takes all of it in the next turn of the event loop.
    if (this.ended === null && this.#unread) await new Promise((resolve) => setImmediate(resolve));
    while (this.ended === null && this.#unread) {
      this.#drained ??= Promise.withResolvers<void>();
      this.#options.pulse.watch(this);
      await this.#drained.promise;
    }
  }

  /** Ends the stream after `last`, once everything that waits was read. */
  end(how: StreamEnd = "done", last: Uint8Array | null = null): void {
    if (last !== null) this.send(last);
    if (this.ended !== null || this.#finishing !== null) return;
    this.#finishing = how;
    if (this.#backlog) this.#options.pulse.watch(this);
    else this.#finish(how);
  }

  /** Drops a reader that does not read, with everything that waits for it. */
  letGo(): void {
    if (this.ended !== null) return;
    this.#controller.error(new Error("The client stopped reading"));
    this.#close("stalled");
  }

  get #room(): boolean {
    const free = this.#controller.desiredSize!;
    if (free === BODY_MESSAGES) this.#bytes = 0;
    return free > 0 && this.#bytes < BODY_BYTES;
  }

  get #backlog(): boolean {
    return this.#queue.size > 0 || !this.#room;
  }

  get #unread(): boolean {
    return this.#backlog || this.#bytes >= UNREAD_BYTES;
  }

  #give(bytes: Uint8Array): void {
    this.#given++;
    this.#bytes += bytes.length;
    this.#controller.enqueue(bytes);
  }

  /** Tells the backlog how many bytes wait for the reader, and whether it has taken any. */
  #note(): void {
    const { backlog, now } = this.#options.pulse;
    const free = this.#controller.desiredSize!;
    if (free === BODY_MESSAGES) this.#bytes = 0;
    const waiting = this.#queue.bytes + this.#bytes;
    const taken = this.#given - (BODY_MESSAGES - free);
    if (waiting === 0) backlog.forget(this);
    else backlog.note(this, waiting, now, taken > this.#taken);
    this.#taken = taken;
  }

  /** Called by the {@link Pulse}. */
  tick(now: number): void {
    const { heartbeatMs } = this.#options;
    const waiting = this.#backlog;
    if (!waiting) this.#readAt = now;
    if (now - this.#readAt > STALL_MS) {
      this.letGo();
    } else if (now >= this.#diesAt) {
      this.end("life");
    } else if (heartbeatMs > 0 && now - this.#sentAt >= heartbeatMs && !waiting) {
      this.#sentAt = now;
      const extra = this.#beat?.();
      if (extra) this.#give(extra);
      // The write before may have found that the client is gone, and closed the stream.
      if (this.ended === null) this.#give(HEARTBEAT);
    }
    if (this.ended === null) this.#note();
  }

  /**
   * Moves messages from the queue to the body, as far as the reader has made room. Called by the
   * {@link Pulse} while the stream is watched; returns whether it has to be watched any longer.
   */
  flush(): boolean {
    this.#behind = !this.#room;
    while (this.ended === null && this.#room) {
      const waiting = this.#queue.size;
      const bytes = this.#queue.take(TAKE_BYTES);
      if (bytes === null) break;
      this.#options.pulse.sent += waiting - this.#queue.size;
      this.#readAt = this.#options.pulse.now;
      this.#give(bytes);
    }
    if (this.ended !== null) return false;
    this.#note();
    if (this.ended !== null) return false;
    if (this.#backlog || (this.#drained !== null && this.#unread)) return true;
    this.#drained?.resolve();
    this.#drained = null;
    if (this.#finishing !== null) this.#finish(this.#finishing);
    return false;
  }

  #finish(how: StreamEnd): void {
    try {
      this.#controller.close();
    } catch {
      // The client has just gone.
    }
    this.#close(how);
  }

  #close(how: StreamEnd): void {
    if (this.ended !== null) return;
    this.ended = how;
    this.#queue.clear();
    this.#drained?.resolve();
    this.#options.pulse.backlog.forget(this);
    this.#options.pulse.delete(this, how);
    this.#closed.abort();
  }
}
