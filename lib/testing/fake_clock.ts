/**
 * A clock for tests, whose time passes only when a task waits for it.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { nextTurn } from "../child/run_events.ts";
import { waiting } from "../task/delay.ts";

/** The latest time that a `Date` can hold, in milliseconds since the epoch. */
const MAX_TIME = 8.64e15;

interface Timer {
  readonly at: number;
  /** Whether a wait depends on it: only such timers make time pass. */
  readonly drives: boolean;
  run(): void;
}

/**
 * A clock whose time passes only when something waits for it, and then at once. A task's `pause()`,
 * `sleep()` and time-outs go by it, and so do the waits between its attempts.
 *
 * @example
 * ```ts
 * import { FakeClock } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new FakeClock("2030-01-01T00:00:00.000Z");
 * await clock.wait(3_600_000);
 * assertEquals(clock.date.toISOString(), "2030-01-01T01:00:00.000Z");
 * ```
 */
export class FakeClock {
  #now: number;
  readonly #timers = new Set<Timer>();
  #passing = false;

  /**
   * Creates a clock that shows `start`.
   *
   * @throws {RangeError} If `start` is not a valid time.
   */
  constructor(start: Date | string | number = "2030-01-01T00:00:00.000Z") {
    this.#now = new Date(start).getTime();
    if (Number.isNaN(this.#now)) {
      throw new RangeError(`Cannot start a clock as 'start' must be a time: ${start}`);
    }
  }

  /** The time it shows, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** The time it shows, as a `Date`. */
  get date(): Date {
    return new Date(this.#now);
  }

  /**
   * Waits until `ms` milliseconds have passed on this clock. Of several waits at once, the one for
   * the earliest time resolves first.
   *
   * @throws {unknown} The signal's reason, as soon as it aborts.
   */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (ms > 0) await this.#wait(ms, signal);
  }

  /** Lets everything that can go on now do so, before any time passes. */
  turn(): Promise<void> {
    return this.#wait(0);
  }

  async #wait(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = { at: this.#now + ms, drives: true, run: resolve };
    const abort = () => reject(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    // A `Date` cannot hold such a time: only the signal ends this wait.
    if (timer.at <= MAX_TIME) this.#timers.add(timer);
    void this.#pass();
    try {
      await promise;
    } finally {
      this.#timers.delete(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Calls `run` after `ms` milliseconds, but makes no time pass. Returns how to cancel that. */
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, drives: false, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves time from timer to timer while anything waits. */
  async #pass(): Promise<void> {
    if (this.#passing) return;
    this.#passing = true;
    try {
      // Code that is about to wait, or to stop waiting, does so before time passes.
      for (await nextTurn(); this.#timers.values().some(({ drives }) => drives); await nextTurn()) {
        const [next] = [...this.#timers].sort((one, other) => one.at - other.at);
        this.#timers.delete(next!);
        this.#now = Math.max(this.#now, next!.at);
        next!.run();
      }
    } finally {
      this.#passing = false;
    }
  }
}

/** The clock of a run, and a signal that aborts when the run is over. */
interface RunTime {
  readonly clock: FakeClock;
  readonly over: AbortSignal;
}

const timeHere = new AsyncLocalStorage<RunTime>();
const { by } = waiting;

waiting.by = (ms, signal) => {
  const time = timeHere.getStore();
  return time ? waitIn(time, ms, signal) : by(ms, signal);
};

/** Waits in a run. Once that is over, never returns, as its process would be gone. */
async function waitIn({ clock, over }: RunTime, ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await clock.wait(ms, signal ? AbortSignal.any([signal, over]) : over);
  } catch (error) {
    if (signal?.aborted) throw error;
    await new Promise(() => {});
  }
}

/** Calls `run` with `pause()` waiting by the clock of `time`, also in async work that it starts. */
export function withClock<T>(time: RunTime, run: () => T): T {
  return timeHere.run(time, run);
}
