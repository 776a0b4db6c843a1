/**
 * The one deadline of the tests. They wait for events, however long these take; only what hangs is
 * given up.
 *
 * @module
 */

/** Milliseconds: far more than anything takes on a slow machine that is busy besides. */
export const HANG_MS = 180_000;

/**
 * Waits for a promise.
 *
 * @throws {Error} When it hangs, with what `about` says.
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
 * Lets so much time pass at least, where time is what is tried: a lease that runs out, a load
 * that is spread. Never to wait for something.
 */
export function timePasses(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
