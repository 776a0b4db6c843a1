/**
 * Ticks for every stream of a process, and counts them.
 *
 * @module
 */

import { BACKLOG, type Backlog } from "../base/backlog.ts";

/** How a stream ended; see ARCHITECTURE.md. */
export type StreamEnd = "done" | "gone" | "life" | "slow" | "stalled" | "stop";

export interface Pulsed {
  /** How it ended; `null` while it is open. */
  readonly ended: StreamEnd | null;
  tick(now: number): void;
  /** Gives the reader what waits for it; returns whether it has to be called again. */
  flush(): boolean;
  /** Ends cleanly, after `last`. */
  end(how?: StreamEnd, last?: Uint8Array | null): void;
}

/** Milliseconds between two flushes of the streams whose readers are behind. */
const WATCH_MS = 20;

/**
 * Most messages that go out in one turn of the event loop. Sockets get them when the turn is over, so
 * a longer turn would delay the first ones, and everything else.
 */
const MESSAGES_A_TURN = 100;

/**
 * One timer for all streams, as 10,000 timers would cost too much. A second one runs while some reader
 * is behind. It replaces the stream's `pull()`, which would be called for every message of every
 * reader that keeps up, and would cost a sixth of the write.
 */
export class Pulse implements Disposable {
  /** Streams opened so far. */
  opened = 0;
  /** Messages sent so far, counted as they were given to {@link ./stream.ts SseStream}. */
  sent = 0;
  /** Streams that ended so far, by reason. */
  readonly ended: Record<StreamEnd, number> = {
    done: 0,
    gone: 0,
    life: 0,
    slow: 0,
    stalled: 0,
    stop: 0,
  };

  readonly #streams = new Set<Pulsed>();
  readonly #watched = new Set<Pulsed>();
  /** Streams whose readers keep up; their messages go out in one of the next turns. */
  readonly #deferred = new Set<Pulsed>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  #inTurn = 0;
  #watching: ReturnType<typeof setInterval> | undefined;
  #timer: ReturnType<typeof setInterval>;

  #now = performance.now();

  /** Bounds the bytes that wait for the readers of all responses. */
  readonly backlog: Backlog;

  constructor(intervalMs: number, backlog: Backlog = BACKLOG) {
    this.backlog = backlog;
    this.#timer = setInterval(() => {
      this.#now = performance.now();
      for (const stream of this.#streams) stream.tick(this.now);
      backlog.relieve(this.now);
    }, intervalMs);
  }

  /** Monotonic milliseconds of the last tick: cheap enough to be read for each message. */
  get now(): number {
    return this.#now;
  }

  get size(): number {
    return this.#streams.size;
  }

  add(stream: Pulsed): void {
    this.opened++;
    this.#streams.add(stream);
  }

  delete(stream: Pulsed, how: StreamEnd): void {
    this.ended[how]++;
    this.#streams.delete(stream);
    this.#deferred.delete(stream);
    this.#unwatch(stream);
  }

  /** Counts a message that is to go out now; `false` if it has to wait for the next turn. */
  inTurn(): boolean {
    this.#turn ??= setImmediate(() => this.#nextTurn());
    return this.#inTurn++ < MESSAGES_A_TURN;
  }

  /** Flushes a stream in one of the next turns. */
  defer(stream: Pulsed): void {
    this.#deferred.add(stream);
  }

  #nextTurn(): void {
    this.#turn = undefined;
    this.#inTurn = 0;
    for (const stream of this.#deferred) {
      if (!this.inTurn()) break;
      this.#deferred.delete(stream);
      if (stream.flush()) this.watch(stream);
    }
  }

  /** Flushes a stream again and again, until its reader has caught up. */
  watch(stream: Pulsed): void {
    this.#watched.add(stream);
    this.#watching ??= setInterval(() => {
      for (const each of this.#watched) if (!each.flush()) this.#unwatch(each);
    }, WATCH_MS);
  }

  #unwatch(stream: Pulsed): void {
    this.#watched.delete(stream);
    if (this.#watched.size > 0) return;
    clearInterval(this.#watching);
    this.#watching = undefined;
  }

  get streams(): Pulsed[] {
    return [...this.#streams];
  }

  endAll(): void {
    for (const stream of this.streams) stream.end("stop");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearInterval(this.#watching);
    clearImmediate(this.#turn);
  }
}
