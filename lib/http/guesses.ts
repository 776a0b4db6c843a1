/**
 * Limits wrong tokens from each address: a few at once, then one a second. This slows down guessing
 * only if a right guess has to wait as well, but a token in use must keep working while somebody at
 * the same address guesses. So a right token waits only if it is short enough to be guessed and was
 * not used from that address before.
 *
 * @module
 */

import { HttpError } from "./errors.ts";
import { RateLimit } from "./rate_limit.ts";
import type { Token } from "./tokens.ts";

/** Most pairs of an address and a token that are remembered; the least recently used are forgotten. */
const MAX_USED = 10_000;

export class Guesses {
  readonly #tries: RateLimit;
  readonly #used = new Set<string>();

  /** @param now Milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#tries = new RateLimit({ rate: 1, burst: 10, now });
  }

  /**
   * Counts a wrong token.
   *
   * @throws {HttpError} 429 after too many.
   */
  wrong(client: string): void {
    const wait = this.#tries.take(client);
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1000);
    throw new HttpError(429, `Too many wrong tokens: try again in ${seconds} s`, {
      headers: { "retry-after": String(seconds) },
    });
  }

  /**
   * Notes that a token was used.
   *
   * @throws {HttpError} 429 when it may be a guess, after too many wrong ones.
   */
  right(client: string, { name, guessable }: Pick<Token, "name" | "guessable">): void {
    if (!guessable) return;
    const use = `${client} ${name}`;
    // Moved to the end: the set is in the order of use.
    if (!this.#used.delete(use)) this.wrong(client);
    this.#used.add(use);
    if (this.#used.size > MAX_USED) this.#used.delete(this.#used.values().next().value!);
  }
}
