/**
 * Ticks for every stream of a process, and counts them.
 *
 * @module
 */

import { BACKLOG, type Backlog } from "../base/backlog.ts";

/** How a stream ended; see ARCHITECTURE.md. */
export type StreamEnd = "done" | "gone" | "life" | "slow" | "stalled" | "stop";

export interface Pulsed {
  /** How it ended; `null` while it lives. */
  readonly ended: StreamEnd | null;
  tick(now: number): void;
  /** Moves on what waits for the reader; returns whether it has to be called again. */
  flush(): boolean;
  /** Ends cleanly, after `last`. */
  end(how?: StreamEnd, last?: Uint8Array | null): void;
}

/** Milliseconds between two looks at readers that are behind. */
const WATCH_MS = 20;

/**
 * Messages that go out in one turn of the event loop. The sockets get them when the turn is over: a
 * longer one holds up those that were first, and everything else.
 */
const MESSAGES_A_TURN = 100;

/**
 * One timer for every stream: what an own timer for each of 10,000 would cost is saved. A second one
 * runs while some reader is behind. It stands in for the stream's `pull()`, which would be called
 * for every message of every reader that keeps up, and cost a sixth of its write.
 */
export class Pulse implements Disposable {
  /** Streams opened up to now. */
  opened = 0;
  /** Messages sent up to now, each as it was given to {@link ./stream.ts SseStream}. */
  sent = 0;
  /** Streams that ended, by how. */
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
  /** Their readers keep up; what they have goes out in one of the next turns. */
  readonly #deferred = new Set<Pulsed>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  #inTurn = 0;
  #watching: ReturnType<typeof setInterval> | undefined;
  #timer: ReturnType<typeof setInterval>;

  #now = performance.now();

  /** What waits for readers, with that of everybody else. */
  readonly backlog: Backlog;

  constructor(intervalMs: number, backlog: Backlog = BACKLOG) {
    this.backlog = backlog;
    this.#timer = setInterval(() => {
      this.#now = performance.now();
      for (const stream of this.#streams) stream.tick(this.now);
      backlog.relieve(this.now);
    }, intervalMs);
  }

  /** Milliseconds, monotonic, as of the last tick: cheap enough to be read for each message. */
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

  /** Counts a message that goes out now; `false` where it has to wait for the next turn. */
  inTurn(): boolean {
    this.#turn ??= setImmediate(() => this.#nextTurn());
    return this.#inTurn++ < MESSAGES_A_TURN;
  }

  /** Has a stream flushed in one of the next turns. */
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

  /** Has a stream flushed until its reader has caught up. */
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
