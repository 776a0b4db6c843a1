import { delay } from "../task/delay.ts";

/** Most milliseconds between two tries. */
const MOST_MS = 500;

/**
 * Milliseconds for which a read or write that a task needs is tried: a disk or a network may fail for
 * a moment. What fails for longer counts as permanent, such as a damaged page of the store's file.
 */
export const PATIENCE_MS = 30_000;

/**
 * For {@link patiently}: try again for `ms` milliseconds, while `waits` returns `true`.
 *
 * @param ms @default {PATIENCE_MS}
 */
export function forAWhile(waits: () => boolean, ms: number = PATIENCE_MS): () => boolean {
  const until = performance.now() + ms;
  return () => performance.now() < until && waits();
}

/**
 * Tries again what failed, at growing intervals, while `waits` returns `true`.
 *
 * @param waits Takes the error of the last try.
 * @throws {unknown} What the last try threw, or the signal's reason if it aborts between two tries.
 */
export async function patiently<T>(
  attempt: () => Promise<T>,
  waits: (error: unknown) => boolean,
  signal?: AbortSignal,
): Promise<T> {
  for (let ms = 5;; ms = Math.min(MOST_MS, 2 * ms)) {
    try {
      return await attempt();
    } catch (error) {
      if (!waits(error)) throw error;
    }
    await delay(ms, signal);
  }
}
