/**
 * The one deadline of the tests. They wait for events, however long these take, and give up only
 * what hangs.
 *
 * @module
 */

/** Milliseconds: far more than anything takes, even on a slow and busy machine. */
export const HANG_MS = 180_000;

/**
 * Waits for a promise, for {@link HANG_MS} by default.
 *
 * @throws {Error} When it hangs; the message contains what `about` returns.
 */
export async function within<T>(
  promise: Promise<T>,
  about: () => string,
  ms: number = HANG_MS,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited too long: ${about()}`)), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits at least `ms` milliseconds, where a test is about time: a lease that runs out, a load that
 * is spread. Never use it to wait for an event.
 */
export function timePasses(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
