import { HANG_MS } from "./deadline.ts";

export interface EventuallyOptions {
  /** Milliseconds after which the last error is thrown. @default {HANG_MS} */
  timeout?: number;
  /** Milliseconds between two attempts. @default {10} */
  interval?: number;
  /** Gives up when it aborts. */
  signal?: AbortSignal;
}

/**
 * Repeats an assertion until it passes, for what has no event to wait for. At least one attempt is
 * made, and the last one begins no earlier than the deadline.
 *
 * @returns What the assertion returned.
 * @throws What the assertion last threw, once the time is up; the signal's reason when it aborts.
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeout = HANG_MS, interval = 10, signal }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeout;
  while (true) {
    signal?.throwIfAborted();
    const last = performance.now() >= deadline;
    try {
      return await assertion();
    } catch (error) {
      if (last) throw error;
    }
    await wait(Math.min(interval, Math.max(deadline - performance.now(), 0)), signal);
  }
}

/** Resolves early on an abort, for which the caller checks. */
function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => {
    clearTimeout(timer);
    resolve();
  };
  signal?.addEventListener("abort", stop, { once: true });
  return promise.finally(() => signal?.removeEventListener("abort", stop));
}
