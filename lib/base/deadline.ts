/**
 * Waits for a promise, but not longer than `ms` milliseconds. Then it answers with what `late`
 * returns, or throws what `late` throws. The promise itself goes on: its failure after the deadline
 * is nobody's.
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
  const timer = setTimeout(() => {
    try {
      resolve(late());
    } catch (error) {
      reject(error);
    }
  }, ms);
  try {
    return await Promise.race([promise, passed]);
  } finally {
    clearTimeout(timer);
  }
}
