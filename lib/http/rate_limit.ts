/**
 * A token bucket for each client, in a bounded map.
 *
 * @module
 */

/** What {@link RateLimit} takes. */
export interface RateLimitOptions {
  /** Each second so many. */
  rate: number;
  /** So many at once. */
  burst: number;
  /** Clients remembered; the ones longest silent are forgotten. @default {10_000} */
  max?: number;
  /** Milliseconds, monotonic. @default {performance.now} */
  now?: () => number;
}

/** See the module. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** Takes how much is allowed. */
  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one. Milliseconds to wait before the next try; 0 when it was there. */
  take(client: string): number {
    const { rate, burst, max = 10_000, now = () => performance.now() } = this.#options;
    const at = now();
    const bucket = this.#buckets.get(client) ?? { left: burst, at };
    // Put last again: the map is in the order of use.
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
