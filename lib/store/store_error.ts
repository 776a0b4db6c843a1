/**
 * The errors for callers when the store takes no write, or not in time.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import type { WriteResult } from "./write.ts";

/** Milliseconds a caller waits for a write: a store that hangs may take it later, or never. */
const WRITE_MS = 10_000;

/** How often a decision is made again when its check was lost. */
export const TRIES = 20;

/** The store could not take a write: it is closing, or this process was taken for dead. */
export class StoreError extends Error {
  override name = "StoreError";
  /** Why; `refused` is what it will never take, everything else passes. */
  readonly reason: string;

  constructor(outcome: WriteResult | "stalled") {
    const reason = typeof outcome === "string" ? outcome : outcome.ok ? "" : outcome.reason;
    super(`The store took no write: ${reason}`);
    this.reason = reason;
  }
}

/** Waits for a write, but not for ever. What was not taken in time may still be. */
export function inTime(write: Promise<WriteResult>): Promise<WriteResult> {
  return deadline(write, WRITE_MS, () => {
    throw new StoreError("stalled");
  });
}

/**
 * Decides again where another was first, which `undefined` says.
 *
 * @param decide Given how often it was tried before.
 * @throws {StoreError} If another is first each time.
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
 * Waits for a write, but not for ever.
 *
 * @returns Whether what it was decided by still held.
 * @throws {StoreError} If the store does not take it.
 */
export async function stillHeld(write: Promise<WriteResult>): Promise<boolean> {
  const result = await inTime(write);
  if (!result.ok && result.reason !== "conflict") throw new StoreError(result);
  return result.ok;
}
