/**
 * Waiting for a while.
 *
 * @module
 */

import { MAX_TIMER_MS } from "./limits.ts";

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

/** What {@link pause} waits by: a test puts a clock of its own in. */
export const waiting: { by(ms: number, signal: AbortSignal): Promise<void> } = { by: delay };

/**
 * Resolves after `ms` milliseconds, at once for 0. Rejects as soon as the signal aborts, so that a
 * task that is canceled stops waiting: pass it the `signal` of the task's context.
 *
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
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return waiting.by(ms, signal);
}
