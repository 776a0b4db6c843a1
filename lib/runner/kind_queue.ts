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
  /** It was interrupted: nothing that came since goes before it, whichever process should claim first. */
  interrupted?: boolean;
  /** Its state, where this process has it. */
  live?: LiveTask;
}

/** A candidate in its order. */
export interface Entry {
  readonly rank: Candidate;
  /** Not taken by this process before, milliseconds. */
  readonly claimAt: number;
  /** Who is first among equals in priority. */
  readonly order: number;
  /** Counts what was put into memory. */
  readonly put: number;
}

/**
 * Higher priority first, then who may be claimed for longest: tasks that this process claims first go
 * before those that others should have claimed by now, and may be about to.
 */
export function compareReady(a: Entry, b: Entry): number {
  return b.rank.priority - a.rank.priority || a.order - b.order || compareIds(a.rank, b.rank);
}

export class KindQueue {
  /** As {@link ../kv/rank.ts lineName} has it: of a kind, or of a key of it. */
  readonly name: string;
  readonly kind: string;
  /** What its tasks are counted by; `undefined` where that is nothing. */
  readonly key: string | undefined;
  /** All that may run, or could if they were not left to others, as they stand in the store. */
  readonly all: Sorted<Entry> = new Sorted((a, b) => compareRanks(a.rank, b.rank));
  /** Those that may be taken, as they should be. */
  readonly ready: Sorted<Entry> = new Sorted(compareReady);
  /** Whether the store holds one that goes before all that may be taken. */
  blocked = false;
  /** By priority those of tasks that wait for a time; `null` for the one of all others. */
  readonly #lines = new Map<number | null, Line<Candidate>>();

  /** Holds nothing yet. */
  constructor(name: string) {
    this.name = name;
    const { kind, key } = lineOfName(name);
    this.kind = kind;
    this.key = key;
  }

  /** What the store holds of it. */
  get lines(): Iterable<Line<Candidate>> {
    return this.#lines.values();
  }

  /** The line in which a task stands. */
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

  /** The line whose missing tasks come first, of those that may run and for which there is room. */
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
