import { delay } from "../task/delay.ts";

/** Milliseconds between two tries, at most. */
const MOST_MS = 500;

/**
 * Tries again what failed, ever later, for as long as somebody waits for it.
 *
 * @throws {unknown} What the last try did.
 */
export async function patiently<T>(attempt: () => Promise<T>, waits: () => boolean): Promise<T> {
  for (let ms = 5;; ms = Math.min(MOST_MS, 2 * ms)) {
    try {
      return await attempt();
    } catch (error) {
      if (!waits()) throw error;
    }
    await delay(ms);
  }
}
