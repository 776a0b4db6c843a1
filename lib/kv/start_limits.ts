/**
 * What the store says of places under limits, for people who ask.
 *
 * @module
 */

import { keys } from "./keys.ts";

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
  let taken = 0;
  let first = Infinity;
  const entries = kv.list<number>({ prefix: keys.rateSlotsOf(name) }, { limit, batchSize: 500 });
  for await (const { value } of entries) {
    if (value + perMs <= now) continue;
    taken++;
    first = Math.min(first, value + perMs, now + perMs);
  }
  return taken < limit ? null : first;
}

/** Slots that are counted. */
const MAX_COUNTED = 10_000;
