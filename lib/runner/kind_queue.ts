/**
 * The pending tasks of one kind, or of one key of it, that are in memory: the first ones in the
 * store, and where the rest begin, which only the store has.
 *
 * @module
 */

import { Line } from "./line.ts";
import type { LiveTask } from "../store/live_task.ts";
import { compareIds, compareRanks, lineOfName, type Rank } from "../kv/rank.ts";
import { Sorted } from "./sorted.ts";

export interface Candidate extends Rank {
  /** Milliseconds for which it is left to other processes, from when it may run. @default {0} */
  wait?: number;
  /** Whether it was interrupted: then no later task goes before it, whoever should claim first. */
  interrupted?: boolean;
  /** Its state, where this process has it. */
  live?: LiveTask;
}

/** A candidate and its place in the order. */
export interface Entry {
  readonly rank: Candidate;
  /** When this process may claim it, in milliseconds since the epoch. */
  readonly claimAt: number;
  /** Among tasks of the same priority, the lowest goes first. */
  readonly order: number;
  /** Its number among all entries ever put into memory. */
  readonly put: number;
}

/**
 * Higher priority first, then whoever could be claimed earliest: tasks that this process claims first
 * go before those that others should have claimed by now, and may be about to.
 */
export function compareReady(a: Entry, b: Entry): number {
  return b.rank.priority - a.rank.priority || a.order - b.order || compareIds(a.rank, b.rank);
}

export class KindQueue {
  /** As {@link ../kv/rank.ts lineName} makes it, of a kind or of one of its keys. */
  readonly name: string;
  readonly kind: string;
  /** The key that its tasks count by; `undefined` for the tasks without one. */
  readonly key: string | undefined;
  /** All tasks that are due, including those left to other processes for now, in the store's order. */
  readonly all: Sorted<Entry> = new Sorted((a, b) => compareRanks(a.rank, b.rank));
  /** Tasks that may be claimed, in the order in which they should be. */
  readonly ready: Sorted<Entry> = new Sorted(compareReady);
  /** Whether a task that is only in the store goes before all that may be claimed. */
  blocked = false;
  /** The lines of tasks that wait for a time, by priority, and under `null` the line of all others. */
  readonly #lines = new Map<number | null, Line<Candidate>>();

  constructor(name: string) {
    this.name = name;
    const { kind, key } = lineOfName(name);
    this.kind = kind;
    this.key = key;
  }

  /** Its lines in the store. */
  get lines(): Iterable<Line<Candidate>> {
    return this.#lines.values();
  }

  /** The line that a task is in. */
  lineOf({ waits, priority }: Rank): Line<Candidate> {
    const name = waits ? priority : null;
    let line = this.#lines.get(name);
    if (!line) this.#lines.set(name, line = new Line(this.name, waits));
    return line;
  }

  /** Whether the store has some of its tasks that are not in memory, or may have. */
  get lacks(): boolean {
    for (const { missing, reading } of this.#lines.values()) if (missing || reading) return true;
    return false;
  }

  /** The line whose missing tasks come first, of those that are due and that memory has room for. */
  gap(now: number, limit: number): Line<Candidate> | undefined {
    let best: Line<Candidate> | undefined;
    for (const line of this.#lines.values()) {
      const { waits, missing } = line;
      if (!missing || (waits && missing.runAt > now)) continue;
      if (!best || compareRanks(missing, best.missing!) < 0) best = line;
    }
    if (!best) return undefined;
    const { size, last } = this.all;
    const first = last !== undefined && compareRanks(best.missing!, last.rank) < 0;
    return size < limit || first ? best : undefined;
  }
}
