/**
 * The errors for callers when the store takes no write, or not in time.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import type { WriteResult } from "./write.ts";

/** Milliseconds a caller waits for a write: a store that hangs may take it later, or never. */
const WRITE_MS = 10_000;

/** How often a decision is made while its check fails. */
export const TRIES = 20;

/** The store did not take a write. */
export class StoreError extends Error {
  override name = "StoreError";
  /** Why; `refused` is for what it can never take, everything else may pass. */
  readonly reason: string;

  constructor(outcome: WriteResult | "stalled") {
    const reason = typeof outcome === "string" ? outcome : outcome.ok ? "" : outcome.reason;
    super(`The store took no write: ${reason}`);
    this.reason = reason;
  }
}

/** Waits up to `WRITE_MS` for a write. One that was not taken in time may be taken later. */
export function inTime(write: Promise<WriteResult>): Promise<WriteResult> {
  return deadline(write, WRITE_MS, () => {
    throw new StoreError("stalled");
  });
}

/**
 * Decides again while `decide` returns `undefined`: another write came first.
 *
 * @param decide Takes how often it was called before.
 * @throws {StoreError} If another write comes first each time.
 */
export async function decideAgain<T>(
  decide: (tries: number) => Promise<T | undefined>,
): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const decided = await decide(tries);
    if (decided !== undefined) return decided;
  }
  throw new StoreError({ ok: false, reason: "conflict" });
}

/**
 * Waits up to `WRITE_MS` for a write.
 *
 * @returns Whether its checks held.
 * @throws {StoreError} If the store does not take it.
 */
export async function stillHeld(write: Promise<WriteResult>): Promise<boolean> {
  const result = await inTime(write);
  if (!result.ok && result.reason !== "conflict") throw new StoreError(result);
  return result.ok;
}
