/**
 * One line of the store's queue, as far as it is in memory: all of it up to the first task that is
 * missing.
 *
 * @module
 */

import { compareRanks, type Rank } from "../kv/rank.ts";

/** `T` is a task's rank, with whatever else is known of it. */
export class Line<T extends Rank = Rank> {
  /** The name of its queue. */
  readonly queue: string;
  /** Whether its tasks wait for a time. */
  readonly waits: boolean;
  /** The first task that is not in memory; `null` if all are. */
  #missing: Rank | null = null;
  /** Tasks that came during a read, which it may or may not find; `null` while there is none. */
  #held: Map<string, T> | null = null;
  /** The first task that was dropped during the read. */
  #missed: Rank | null = null;

  constructor(queue: string, waits: boolean) {
    this.queue = queue;
    this.waits = waits;
  }

  get missing(): Rank | null {
    return this.#missing;
  }

  get reading(): boolean {
    return this.#held !== null;
  }

  /** Whether all tasks before this one are in memory. */
  hasBefore(rank: Rank): boolean {
    return this.#missing === null || compareRanks(rank, this.#missing) < 0;
  }

  /** Notes that the store has a task that is not in memory. Returns whether that was unknown. */
  note(rank: Rank): boolean {
    if (this.reading) this.#missed = firstOf(this.#missed, rank);
    const news = this.hasBefore(rank);
    if (news) this.#missing = rank;
    return news;
  }

  /** Keeps a task until the read is over; `false` if none is under way, or `limit` are kept already. */
  hold(candidate: T, limit: number): boolean {
    if (this.#held === null) return false;
    if (this.#held.size < limit) this.#held.set(candidate.id, candidate);
    else this.note(candidate);
    return this.#held.has(candidate.id);
  }

  forget(id: string): void {
    this.#held?.delete(id);
  }

  /** Begins a read; returns where to read from. */
  begin(): Rank {
    this.#held = new Map();
    this.#missed = null;
    return this.#missing!;
  }

  /** Ends a read that came up to `next`; returns the tasks that came meanwhile. */
  end(next: Rank | null): T[] {
    const held = [...this.#held?.values() ?? []];
    this.#missing = next ? firstOf(this.#missed, next) : this.#missed;
    this.#held = null;
    return held;
  }
}

function firstOf(a: Rank | null, b: Rank): Rank {
  return a && compareRanks(a, b) < 0 ? a : b;
}
