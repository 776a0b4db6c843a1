import { AwakeTimer } from "./awake_timer.ts";

/**
 * Waits for a promise for at most `ms` milliseconds, not counting those for which this process stands
 * still. Then returns what `late` returns, or throws what it throws. The promise itself goes on; if it
 * fails later, that is ignored.
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
export async function deadline<T, Late = T>(
  promise: PromiseLike<T>,
  ms: number,
  late: () => Late,
): Promise<T | Late> {
  const { promise: passed, resolve, reject } = Promise.withResolvers<Late>();
  const timer = new AwakeTimer();
  timer.set(ms, () => {
    try {
      resolve(late());
    } catch (error) {
      reject(error);
    }
  });
  try {
    return await Promise.race([promise, passed]);
  } finally {
    timer.clear();
  }
}
