/**
 * How many tasks there are in each state. Counted from the index when somebody asks: nothing has to
 * be kept right on the way. What it costs is bounded: each state is counted to a limit, and the
 * longer counting took, the longer its outcome is good for.
 *
 * @module
 */

import { keys } from "./keys.ts";
import { knownKinds } from "./list.ts";
import { type Status, STATUSES } from "./record.ts";

/** Tasks by state. */
export type Counts = Record<Status, number>;

/** A state is counted so far: a count as large means so many, or more. */
export const COUNT_LIMIT = 10_000;

/** Milliseconds a count is good for, at the least. */
const FRESH_MS = 500;

/** Counting takes at the most one part in so many of the time. */
const SHARE = 20;

/** Selections remembered, at the most. */
const MAX_SELECTIONS = 100;

interface Counted {
  counts: Promise<Counts>;
  /** Good until then; while it is counted, for ever. */
  until: number;
}

/** See the module. */
export class TaskCounts {
  readonly #kv: Deno.Kv;
  readonly #now: () => number;
  readonly #counted = new Map<string, Counted>();

  /** `now` gives milliseconds, monotonic. */
  constructor(kv: Deno.Kv, now: () => number = () => performance.now()) {
    this.#kv = kv;
    this.#now = now;
  }

  /**
   * Counts the tasks of these kinds, or of all; in other states than these there are 0. Whoever asks
   * at the same time shares one count.
   */
  async read(
    kinds?: readonly string[],
    statuses: readonly Status[] = STATUSES,
  ): Promise<Counts> {
    const name = `${kinds ? [...new Set(kinds)].sort().join() : "*"} ${statuses.join()}`;
    const known = this.#counted.get(name);
    if (known && this.#now() < known.until) return await known.counts;
    if (this.#counted.size >= MAX_SELECTIONS) this.#counted.clear();
    const begun = this.#now();
    const counting: Counted = { counts: this.#count(kinds, statuses), until: Infinity };
    this.#counted.set(name, counting);
    try {
      const counts = await counting.counts;
      const now = this.#now();
      counting.until = now + Math.max(FRESH_MS, SHARE * (now - begun));
      return counts;
    } catch (error) {
      this.#counted.delete(name);
      throw error;
    }
  }

  async #count(kinds: readonly string[] | undefined, statuses: readonly Status[]): Promise<Counts> {
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Counts;
    for (const kind of kinds ?? await knownKinds(this.#kv)) {
      for (const status of statuses) {
        const limit = COUNT_LIMIT - counts[status];
        if (limit === 0) continue;
        const prefix = keys.indexOf(kind, status);
        for await (const _ of this.#kv.list({ prefix }, { limit, batchSize: 500 })) {
          counts[status]++;
        }
      }
    }
    return counts;
  }
}
