/**
 * What a caller is told when the store takes no write, or not in time.
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
