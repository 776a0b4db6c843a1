/**
 * What the store says of places under limits, for people who ask.
 *
 * @module
 */

import { keys } from "./keys.ts";

/** The value of a `rated` key. */
export interface StoredRate {
  readonly limit: number;
  readonly perMs: number;
  /** Since when: milliseconds since the epoch. */
  readonly at: number;
  /** Shortly before that there may have been starts in slots beyond its own. */
  readonly lowered: boolean;
}

/** How many slots of a name are taken: so many at most. */
export async function countSlots(kv: Deno.Kv, name: string, most: number): Promise<number> {
  let count = 0;
  const limit = Math.min(most, MAX_COUNTED);
  for await (const _ of kv.list({ prefix: keys.slotsOf(name) }, { limit, batchSize: 500 })) count++;
  return count;
}

/**
 * When the next run of a name may start, milliseconds since the epoch, at the latest; `null` where it
 * may now.
 */
export async function rateFreeAt(
  kv: Deno.Kv,
  name: string,
  { limit, perMs }: { limit: number; perMs: number },
  now: number,
): Promise<number | null> {
  const ends: number[] = [];
  // Before a deploy there may have been more of them than now.
  const options = { limit: MAX_COUNTED, batchSize: 500 };
  for await (const { value } of kv.list<number>({ prefix: keys.rateSlotsOf(name) }, options)) {
    if (value + perMs > now) ends.push(Math.min(value, now) + perMs);
  }
  return ends.length < limit ? null : ends.sort((a, b) => a - b)[ends.length - limit]!;
}

/** Slots that are counted. */
const MAX_COUNTED = 10_000;
