/**
 * Counts the slots in the store, for requests that ask why a task waits.
 *
 * @module
 */

import { keys } from "./keys.ts";

/** The value of a `rated` key. */
export interface StoredRate {
  readonly limit: number;
  readonly perMs: number;
  /** Since when it is in force, milliseconds since the epoch. */
  readonly at: number;
  /** Whether the limit was higher shortly before: runs may have taken slots beyond this one. */
  readonly lowered: boolean;
}

export class SlotCounts {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** How many slots of a name are taken, counted up to `most`. */
  async taken(name: string, most: number): Promise<number> {
    let count = 0;
    const options = { limit: Math.min(most, MAX_COUNTED), batchSize: 500 };
    for await (const _ of this.#kv.list({ prefix: keys.slotsOf(name) }, options)) count++;
    return count;
  }

  /**
   * The latest time at which the next run of a name may start, milliseconds since the epoch; `null` if
   * it may start now.
   */
  async rateFreeAt(
    name: string,
    { limit, perMs }: { limit: number; perMs: number },
    now: number,
  ): Promise<number | null> {
    const ends: number[] = [];
    // A higher limit before a deploy may have left more of them than there are now.
    const options = { limit: MAX_COUNTED, batchSize: 500 };
    const slots = this.#kv.list<number>({ prefix: keys.rateSlotsOf(name) }, options);
    for await (const { value } of slots) {
      if (value + perMs > now) ends.push(Math.min(value, now) + perMs);
    }
    return ends.length < limit ? null : ends.sort((a, b) => a - b)[ends.length - limit]!;
  }
}

/** Most slots that are counted. */
const MAX_COUNTED = 10_000;
