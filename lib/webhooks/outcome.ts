/**
 * Decides what happens to a delivery after a try.
 *
 * @module
 */

import type { Delivery, DeliveryAttempt } from "../kv/deliveries.ts";
import { backoffBound } from "../task/backoff.ts";

/** Milliseconds after which a delivery is given up. */
export const GIVE_UP_MS = 24 * 3600_000;

/** The longest wait before the first retry, and before any, in milliseconds. */
const FIRST_MS = 2000;
const LONGEST_MS = 3600_000;

/** Most tries that are kept of a delivery, the latest ones. */
const MAX_ATTEMPTS = 30;

/** Milliseconds before the next try, after `tries` tries: half of the bound, and a random part. */
export function retryMs(tries: number, random: () => number): number {
  const bound = backoffBound(tries, FIRST_MS, LONGEST_MS);
  return Math.round(bound * (0.5 + 0.5 * random()));
}

/** What is wrong with a response; `null` if nothing is. */
export function answerProblem(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `HTTP ${status}: redirects are not followed`;
  if (status === 410) return "HTTP 410: the target wants no more of these";
  return `HTTP ${status}`;
}

/** Whether a response says that the server behind the address did not answer. */
export function isOfHost(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

export interface Tried extends DeliveryAttempt {
  /** Milliseconds that the target asks to be left alone; `null` for none. */
  retryAfterMs: number | null;
}

/** A try without a response, or that was not made; `at` is milliseconds since the epoch. */
export function untried(at: number, error: string): Tried {
  return { at, ms: 0, status: null, error, response: "", retryAfterMs: null };
}

/**
 * A delivery after a try.
 *
 * @param now Milliseconds since the epoch.
 */
export function afterTry(
  delivery: Delivery,
  { retryAfterMs, ...attempt }: Tried,
  now: number,
  random: () => number = Math.random,
): Delivery {
  const tries = delivery.tries + 1;
  const attempts = [...delivery.attempts, attempt].slice(-MAX_ATTEMPTS);
  const tried: Delivery = { ...delivery, tries, attempts, by: null, next: now };
  if (attempt.error === null) return { ...tried, state: "delivered" };
  const next = now + Math.max(retryMs(tries, random), retryAfterMs ?? 0);
  if (attempt.status === 410 || next - delivery.since > GIVE_UP_MS) {
    return { ...tried, state: "given_up" };
  }
  return { ...tried, next };
}
