/**
 * Waiting, for generators: what is canceled waits no longer.
 *
 * @module
 */

/**
 * Resolves after `ms` milliseconds, at once for 0; rejects with the signal's reason as soon as it
 * aborts.
 *
 * @throws {unknown} The signal's reason, when it has aborted already.
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
  signal.throwIfAborted();
  if (ms <= 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
