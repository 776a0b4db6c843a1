/**
 * Decides what happens to a delivery after a try.
 *
 * @module
 */

import type { Delivery, DeliveryAttempt } from "../kv/deliveries.ts";
import { backoffBound } from "../task/backoff.ts";

/** Milliseconds for which a delivery is tried. */
export const GIVE_UP_MS = 24 * 3600_000;

/** Milliseconds: the longest wait before a first retry, and before any. */
const FIRST_MS = 2000;
const LONGEST_MS = 3600_000;

/** Tries that are kept. */
const MAX_ATTEMPTS = 30;

/** Milliseconds before the next try, after so many: half of it is by chance. */
export function retryMs(tries: number, random: () => number): number {
  const bound = backoffBound(tries, FIRST_MS, LONGEST_MS);
  return Math.round(bound * (0.5 + 0.5 * random()));
}

/** What is wrong with an answer; `null` for nothing. */
export function answerProblem(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `HTTP ${status}: redirects are not followed`;
  if (status === 410) return "HTTP 410: the target wants no more of these";
  return `HTTP ${status}`;
}

/** Whether an answer tells that the host itself did not do its part. */
export function isOfHost(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

export interface Tried extends DeliveryAttempt {
  /** Milliseconds that the target asks to be left alone; `null` for none. */
  retryAfterMs: number | null;
}

/** A try that got no answer, or was none. `at` is in milliseconds since the epoch. */
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
