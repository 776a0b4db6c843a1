import { delay } from "../task/delay.ts";

/** Milliseconds between two tries, at most. */
const MOST_MS = 500;

/**
 * Milliseconds for which what a task waits for is tried: a disk or a network may fail for a moment. What
 * cannot be had for longer never comes, as the page of a file that is damaged.
 */
export const PATIENCE_MS = 30_000;

/**
 * For {@link patiently}: for so many milliseconds, and as long as somebody waits for it.
 *
 * @param ms @default {PATIENCE_MS}
 */
export function forAWhile(waits: () => boolean, ms: number = PATIENCE_MS): () => boolean {
  const until = performance.now() + ms;
  return () => performance.now() < until && waits();
}

/**
 * Tries again what failed, ever later, for as long as somebody waits for it.
 *
 * @param waits Told why the last try failed.
 * @throws {unknown} What the last try did, or the signal's reason where it aborts between two.
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
