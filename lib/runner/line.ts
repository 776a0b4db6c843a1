/**
 * One line of the store's queue, as far as it is in memory: all of it up to the first task that is
 * missing.
 *
 * @module
 */

import { compareRanks, type Rank } from "../kv/rank.ts";

/** `T` is what is known of a task beside its rank. */
export class Line<T extends Rank = Rank> {
  /** The queue that it is a part of. */
  readonly queue: string;
  /** Whether they wait for a time. */
  readonly waits: boolean;
  /** The first one that is not in memory; `null` when all are. */
  #missing: Rank | null = null;
  /** What came while it was read, of which the read may know or not. */
  #held: Map<string, T> | null = null;
  /** The first one let go of while it was read. */
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

  /** Whether all that stands before a task is in memory. */
  hasBefore(rank: Rank): boolean {
    return this.#missing === null || compareRanks(rank, this.#missing) < 0;
  }

  /** The store has a task that is not in memory. Returns whether that is news. */
  note(rank: Rank): boolean {
    if (this.reading) this.#missed = firstOf(this.#missed, rank);
    const news = this.hasBefore(rank);
    if (news) this.#missing = rank;
    return news;
  }

  /** Keeps a task until the read is over; `false` where none is under way. */
  hold(candidate: T, limit: number): boolean {
    if (this.#held === null) return false;
    if (this.#held.size < limit) this.#held.set(candidate.id, candidate);
    else this.note(candidate);
    return this.#held.has(candidate.id);
  }

  forget(id: string): void {
    this.#held?.delete(id);
  }

  /** It is being read, from what is returned on. */
  begin(): Rank {
    this.#held = new Map();
    this.#missed = null;
    return this.#missing!;
  }

  /** It was read up to `next`; returns what came meanwhile. */
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
