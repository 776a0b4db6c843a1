/**
 * A token bucket for each client, in a bounded map.
 *
 * @module
 */

export interface RateLimitOptions {
  /** Tokens a second. */
  rate: number;
  /** Tokens that can be taken at once. */
  burst: number;
  /** Clients remembered; the least recently seen are forgotten. @default {10_000} */
  max?: number;
  /** Milliseconds, monotonic. @default {performance.now} */
  now?: () => number;
}

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Clients that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token. Returns 0, or the milliseconds to wait when there was none. */
  take(client: string): number {
    const { rate, burst, max = 10_000, now = () => performance.now() } = this.#options;
    const at = now();
    const bucket = this.#buckets.get(client) ?? { left: burst, at };
    // Moved to the end: the map is in the order of use.
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > max) this.#buckets.delete(this.#buckets.keys().next().value!);
    bucket.left = Math.min(burst, bucket.left + (at - bucket.at) * rate / 1000);
    bucket.at = at;
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) * 1000 / rate);
    bucket.left--;
    return 0;
  }
}
