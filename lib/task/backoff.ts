/**
 * Waits before a retry: exponential backoff with full jitter and a cap.
 *
 * @module
 */

import { MAX_DELAY_MS } from "./limits.ts";

export interface BackoffOptions {
  /** The longest first wait, in milliseconds. */
  baseMs: number;
  /** The longest wait of all, in milliseconds. */
  capMs: number;
  /** Returns a number from 0 to below 1. @default {Math.random} */
  random?: () => number;
}

/**
 * Milliseconds to wait after the given failed attempt (from 1): evenly spread between 0 and
 * `min(capMs, baseMs × 2^(attempt − 1))`, a year at most, so that tasks that failed together do not come back
 * together. With the defaults (1 s, 60 s) the bounds are 1, 2, 4, 8, 16, 32, 60, 60 … seconds.
 *
 * @example
 * ```ts
 * import { retryDelay } from "./backoff.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(retryDelay(3, { baseMs: 1000, capMs: 60_000, random: () => 0.5 }), 2000);
 * ```
 */
export function retryDelay(
  attempt: number,
  { baseMs, capMs, random = Math.random }: BackoffOptions,
): number {
  return Math.floor(backoffBound(attempt, baseMs, Math.min(MAX_DELAY_MS, capMs)) * random());
}

/** Milliseconds: `baseMs` after the first failed attempt, doubled with each further one up to a cap. */
export function backoffBound(attempt: number, baseMs: number, capMs: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 52));
}

/** A value spread evenly over `±share` of itself, so that many waits do not end together. */
export function jittered(value: number, share: number, random: () => number = Math.random): number {
  return Math.round(value * (1 - share + 2 * share * random()));
}
