/**
 * How many tasks there are in each state. They are counted from the index on request, so that no
 * counter has to be kept right. The cost is bounded: each state of a kind is counted once for all
 * that ask, up to a limit, and the longer that took, the longer it is used, up to ten seconds.
 *
 * @module
 */

import { BEHIND_IDS, FIRST_ID, isOfChild, keys } from "./keys.ts";
import { Heads } from "./heads.ts";
import { knownKinds, type TaskFilter } from "./list.ts";
import { Reads } from "./reads.ts";
import { statusOf } from "../task/json_text.ts";
import { type Status, STATUSES } from "../task/record.ts";

/** Tasks by state. */
export type Counts = Record<Status, number>;

/** A state is counted so far: a count as large means so many, or more. */
export const COUNT_LIMIT = 10_000;

/** Tasks of a state of a kind that are looked at for those without a parent. */
const MAX_SEEN = 20_000;

/** Milliseconds a count is good for, at least. */
const FRESH_MS = 500;

/** Milliseconds a count is good for, at most: what took long may have waited for others. */
const OLD_MS = 10_000;

/** Counting takes at most one part in so many of the time. */
const SHARE = 20;

/** Pages of tasks that are looked at for a count of an owner's, a tag's or a submitter's. */
const PAGES = 10;

/** Filters of whose tasks a count is kept. */
const MAX_FILTERS = 500;

/** Tasks of a filter: those that were looked at, and whether that was not all of them. */
export interface PickedCounts {
  counts: Counts;
  partial: boolean;
}

/** Something counted, and how long that is good: while it is being counted, for ever. */
interface Kept {
  value: Promise<unknown>;
  until: number;
}

export class TaskCounts {
  readonly #kv: Deno.Kv;
  readonly #now: () => number;
  /** By kind and state, of kinds there are; and which these are, by an empty name. */
  readonly #kept = new Map<string, Kept>();
  /** By filter, as JSON. */
  readonly #picked = new Map<string, Kept>();

  /** `now` gives milliseconds, monotonic. */
  constructor(kv: Deno.Kv, now: () => number = () => performance.now()) {
    this.#kv = kv;
    this.#now = now;
  }

  /**
   * Counts the tasks of these kinds, or of all; in other states than these there are 0. What others
   * count at the same time, or have counted a moment ago, is not counted again.
   */
  async read(
    kinds?: readonly string[],
    statuses: readonly Status[] = STATUSES,
  ): Promise<Counts> {
    const begun = this.#now();
    const own: Kept[] = [];
    const counts = noCounts();
    try {
      const known = await this.#keep(this.#kept, "", () => this.#knownKinds(), own);
      const wanted = kinds ? known.intersection(new Set(kinds)) : known;
      for (const status of new Set(statuses)) {
        for (const kind of wanted) {
          const count = () => this.#count(kind, status);
          counts[status] += await this.#keep(this.#kept, `${kind} ${status}`, count, own);
          if (counts[status] >= COUNT_LIMIT) break;
        }
        counts[status] = Math.min(COUNT_LIMIT, counts[status]);
      }
      return counts;
    } finally {
      this.#keepFor(own, begun);
    }
  }

  /**
   * Counts the tasks of these kinds, or of all, that have no parent: among the newest of each state of a
   * kind, as many as are looked at.
   */
  async readParentless(kinds?: readonly string[]): Promise<PickedCounts> {
    const begun = this.#now();
    const own: Kept[] = [];
    const counts = noCounts();
    let partial = false;
    try {
      const known = await this.#keep(this.#kept, "", () => this.#knownKinds(), own);
      for (const kind of kinds ? known.intersection(new Set(kinds)) : known) {
        for (const status of STATUSES) {
          const count = () => this.#countParentless(kind, status);
          const found = await this.#keep(this.#kept, `${kind} ${status} parentless`, count, own);
          counts[status] = Math.min(COUNT_LIMIT, counts[status] + found.count);
          partial ||= found.partial;
        }
      }
      return { counts, partial };
    } finally {
      this.#keepFor(own, begun);
    }
  }

  /** Counts what a filter picks, the newest first, as far as a bounded number of reads goes. */
  async readPicked(filter: TaskFilter): Promise<PickedCounts> {
    const begun = this.#now();
    const own: Kept[] = [];
    try {
      return await this.#keep(this.#picked, JSON.stringify(filter), () => this.#pick(filter), own);
    } finally {
      this.#keepFor(own, begun);
      for (const [name, { until }] of this.#picked) {
        if (this.#picked.size > MAX_FILTERS || until < begun) this.#picked.delete(name);
      }
    }
  }

  async #pick(filter: TaskFilter): Promise<PickedCounts> {
    const counts = noCounts();
    let partial = false;
    for await (const { records, next } of new Heads(this.#kv).pages(filter, PAGES)) {
      for (const record of records) counts[statusOf(record) as Status]++;
      partial = next !== null;
    }
    return { counts, partial };
  }

  #keepFor(own: readonly Kept[], begun: number): void {
    const now = this.#now();
    const until = now + Math.min(OLD_MS, Math.max(FRESH_MS, SHARE * (now - begun)));
    for (const kept of own) kept.until = until;
  }

  /** What is kept and still good, or what `work` gives, which is then added to `own`. */
  async #keep<T>(
    all: Map<string, Kept>,
    name: string,
    work: () => Promise<T>,
    own: Kept[],
  ): Promise<T> {
    const known = all.get(name);
    if (known && this.#now() < known.until) return await known.value as T;
    const value = work();
    const kept = { value, until: Infinity };
    all.set(name, kept);
    own.push(kept);
    try {
      return await value;
    } catch (error) {
      all.delete(name);
      throw error;
    }
  }

  async #knownKinds(): Promise<ReadonlySet<string>> {
    return new Set(await knownKinds(this.#kv));
  }

  async #count(kind: string, status: Status): Promise<number> {
    let count = 0;
    for await (const entries of this.#entries(kind, status)) {
      count += entries.length;
      if (count >= COUNT_LIMIT) break;
    }
    return count;
  }

  async #countParentless(
    kind: string,
    status: Status,
  ): Promise<{ count: number; partial: boolean }> {
    let [count, seen] = [0, 0];
    for await (const entries of this.#entries(kind, status)) {
      seen += entries.length;
      for (const { value } of entries) if (!isOfChild(value)) count++;
      if (count >= COUNT_LIMIT) break;
      if (seen >= MAX_SEEN) return { count, partial: true };
    }
    return { count, partial: false };
  }

  #entries(kind: string, status: Status): AsyncIterable<Deno.KvEntry<unknown>[]> {
    const range = {
      start: keys.index(kind, status, FIRST_ID),
      end: keys.index(kind, status, BEHIND_IDS),
    };
    // A client that asks for a page of the list goes first.
    return new Reads({ share: 0 }).newestFirst(this.#kv, range, { first: Infinity });
  }
}

function noCounts(): Counts {
  return Object.fromEntries(STATUSES.map((status) => [status, 0])) as Counts;
}
