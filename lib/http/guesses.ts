/**
 * Wrong tokens of each address: a few at once, then one a second. Who guesses is slowed down only
 * if a right guess has to wait as well, but a token in use must go on working, though somebody at
 * the same address guesses. So the right one waits only where it can be guessed at all, and was not
 * used from there before.
 *
 * @module
 */

import { HttpError } from "./errors.ts";
import { RateLimit } from "./rate_limit.ts";
import type { Token } from "./tokens.ts";

/** Pairs of an address and a token remembered; the ones longest not used are forgotten. */
const MAX_USED = 10_000;

/** See the module. */
export class Guesses {
  readonly #tries: RateLimit;
  readonly #used = new Set<string>();

  /** `now` gives milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#tries = new RateLimit({ rate: 1, burst: 10, now });
  }

  /**
   * Somebody showed what is no token.
   *
   * @throws {HttpError} 429 when it was too often.
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
   * Somebody showed a token.
   *
   * @throws {HttpError} 429 when it may be a guess.
   */
  right(client: string, { name, guessable }: Pick<Token, "name" | "guessable">): void {
    if (!guessable) return;
    const use = `${client} ${name}`;
    // Put last again: the set is in the order of use.
    if (!this.#used.delete(use)) this.wrong(client);
    this.#used.add(use);
    if (this.#used.size > MAX_USED) this.#used.delete(this.#used.values().next().value!);
  }
}
