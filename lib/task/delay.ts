/**
 * Waits for a given time, or until a signal aborts.
 *
 * @module
 */

import { MAX_TIMER_MS } from "./limits.ts";
import { brief, textOf } from "./text.ts";

/**
 * Resolves after `ms` milliseconds, at once for 0. Rejects as soon as the signal aborts.
 *
 * @throws {unknown} The signal's reason.
 */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  for (; ms > MAX_TIMER_MS; ms -= MAX_TIMER_MS) await delay(MAX_TIMER_MS, signal);
  if (ms <= 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal!.reason);
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** How {@link pause} waits: `headway/testing` replaces this to wait by a fake clock. */
export const waiting: { by(ms: number, signal: AbortSignal): Promise<void> } = { by: delay };

/**
 * Resolves after `ms` milliseconds, at once for 0. Rejects as soon as the signal aborts, so that a
 * task that is canceled stops waiting: pass it the `signal` of the task's context.
 *
 * @throws {TypeError} If `ms` is not a number, or `signal` is not an AbortSignal.
 * @throws {unknown} The signal's reason.
 *
 * @example
 * ```ts
 * import { defineTask, pause, progress } from "headway";
 *
 * export const countdown = defineTask({
 *   kind: "countdown",
 *   async *run({ signal }) {
 *     for (let left = 10; left > 0; left--) {
 *       yield progress({ message: `${left} to go` });
 *       await pause(1000, signal);
 *     }
 *   },
 * });
 * ```
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    throw new TypeError(
      `Cannot pause as 'ms' must be a number of milliseconds: current value is ${
        brief(textOf(ms), 100)
      }`,
    );
  }
  if (!(signal instanceof AbortSignal)) {
    throw new TypeError(
      "Cannot pause as 'signal' must be the AbortSignal of the task's context: pause(1000, signal)",
    );
  }
  await waiting.by(ms, signal);
}
