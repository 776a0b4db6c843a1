/**
 * How many tasks there are in each state. They are counted from the index on request, so that no
 * counter has to be kept right. The cost is bounded: each state of a kind is counted once for all
 * that ask, up to a limit, and the longer that took, the longer it is used, up to ten seconds. The
 * states are not counted at one moment: a task that moves meanwhile may be in two counts, or in none.
 *
 * @module
 */

import { BEHIND_IDS, FIRST_ID, isOfChild, keys } from "./keys.ts";
import { Heads } from "./heads.ts";
import { knownKinds } from "./known_kinds.ts";
import type { TaskFilter } from "./task_filter.ts";
import { Reads } from "./reads.ts";
import { statusOf } from "../task/json_text.ts";
import { type Status, STATUSES } from "../task/record.ts";

/** Tasks by state. */
export type Counts = Record<Status, number>;

/** No state is counted beyond this: a count this large means so many, or more. */
export const COUNT_LIMIT = 10_000;

/** Tasks of a kind and state that are read, about, to find those without a parent. */
const MAX_SEEN = 20_000;

/** Least milliseconds for which a count is used. */
const FRESH_MS = 500;

/** Most milliseconds for which a count is used: one that took long may only have waited for others. */
const OLD_MS = 10_000;

/** A count is used for this many times as long as counting took, so that counting takes little time. */
const SHARE = 20;

/** Pages of tasks that are read to count those of an owner, a tag or a submitter. */
const PAGES = 10;

/** Most filters whose counts are kept. */
const MAX_FILTERS = 500;

/** The counts of the tasks that were read; `partial` if there are more. */
export interface PickedCounts {
  counts: Counts;
  partial: boolean;
}

/** A count, and until when it is used: `Infinity` while it is being counted. */
interface Kept {
  value: Promise<unknown>;
  until: number;
}

export class TaskCounts {
  readonly #kv: Deno.Kv;
  readonly #now: () => number;
  /** Counts by kind and state; under the empty name, the set of known kinds. */
  readonly #kept = new Map<string, Kept>();
  /** By filter, as JSON. */
  readonly #picked = new Map<string, Kept>();

  /** `now` gives milliseconds, monotonic. */
  constructor(kv: Deno.Kv, now: () => number = () => performance.now()) {
    this.#kv = kv;
    this.#now = now;
  }

  /**
   * Counts the tasks of these kinds, or of all, in these states; the others have 0. Counts that are
   * under way for others, or recent, are shared.
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
   * Counts the tasks of these kinds, or of all, that have no parent. Of each kind and state only the
   * newest {@link MAX_SEEN}, about, are read.
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

  /** Counts the tasks that match a filter, newest first, in a bounded number of pages. */
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

  /** Returns a kept value that is still good, or else what `work` returns, and adds that to `own`. */
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
    // No share: a client that asks for a page of the list goes first.
    return new Reads({ share: 0 }).newestFirst(this.#kv, range, { first: Infinity });
  }
}

function noCounts(): Counts {
  return Object.fromEntries(STATUSES.map((status) => [status, 0])) as Counts;
}
