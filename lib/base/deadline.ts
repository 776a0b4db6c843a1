/**
 * Waits for a promise, but only up to a deadline.
 *
 * @module
 */

import { AwakeTimer } from "./awake_timer.ts";

/** Milliseconds from which a deadline is counted in ticks of one timer for all. */
const LONG_MS = 1000;
const TICK_MS = 125;

/** What to call at each long deadline, and the ticks left until then. */
const waiting = new Map<() => void, number>();
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * Waits for a promise for at most `ms` milliseconds, without the time for which this process stands
 * still. After that it returns what `late` returns, or throws what it throws. The promise itself goes
 * on; if it fails later, that is ignored.
 *
 * @example
 * ```ts
 * import { deadline } from "./deadline.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const never = new Promise<string>(() => {});
 * assertEquals(await deadline(never, 10, () => "too late"), "too late");
 * ```
 */
export function deadline<T, Late = T>(
  promise: PromiseLike<T>,
  ms: number,
  late: () => Late,
): Promise<T | Late> {
  return new Promise((resolve, reject) => {
    const clear = ms < LONG_MS ? setShort(ms, isLate) : setLong(ms, isLate);
    promise.then((value) => {
      clear();
      resolve(value);
    }, (error) => {
      clear();
      reject(error);
    });
    function isLate() {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }
  });
}

function setShort(ms: number, run: () => void): () => void {
  const short = new AwakeTimer();
  short.set(ms, run);
  return () => short.clear();
}

/** Each request sets some deadlines, so a timer for each would cost too much. */
function setLong(ms: number, run: () => void): () => void {
  waiting.set(run, 1 + Math.ceil(ms / TICK_MS));
  timer ??= setInterval(tick, TICK_MS);
  return () => remove(run);
}

/** After a standstill of this process the interval fires once at most, however long it was. */
function tick(): void {
  for (const [run, left] of waiting) {
    if (left > 1) {
      waiting.set(run, left - 1);
    } else {
      remove(run);
      run();
    }
  }
}

function remove(run: () => void): void {
  waiting.delete(run);
  if (waiting.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
