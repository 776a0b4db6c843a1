/**
 * The starts under one name that this process knows of, within the time that a rate counts.
 *
 * @module
 */

import type { Key } from "../kv/keys.ts";

export interface Slot {
  readonly versionstamp: string | null;
  /** When it may be taken again, in monotonic milliseconds. */
  readonly freeAt: number;
}

/** A slot that a start takes if its commit succeeds. */
export interface TakenSlot {
  readonly name: string;
  readonly n: number;
  readonly perMs: number;
  freeAt: number;
  /** Stores the time of the start. */
  readonly set: [key: Key, at: number, size: number, expireIn: number];
}

export class RateWindow {
  /** By number; a slot that is missing here is free, and not in the store. */
  slots = new Map<number, Slot>();
  /** Slots taken by starts whose commits have not ended yet. */
  readonly underWay = new Map<number, TakenSlot>();
  /** The slot at which a search for a free one begins. */
  next: number;
  /** No slot is free before, in monotonic milliseconds. */
  fullUntil = -Infinity;
  reading: Promise<void> | undefined;
  /** The read that follows, for callers who came during this one. */
  again: Promise<void> | undefined;
  /** The versionstamp of the rate by which the slots are known. */
  version: string | null | undefined;
  /** Whether slots beyond the limit are taken. */
  beyond = false;

  constructor(next: number) {
    this.next = next;
  }

  /** A free slot, after `others` that are left free; `null` if there is none. */
  free(limit: number, now: number, others = 0): number | null {
    // During a read what is known may be wrong: a start would be lost, and a submit in its commit.
    if (this.reading || now < this.fullUntil) return null;
    const usable = this.#usable(limit, now);
    const first = this.next;
    let left = others;
    for (let looked = 0; looked < limit; looked++) {
      const n = (first + looked) % limit;
      if (n >= usable || this.#isTaken(n, now)) continue;
      if (left === others) this.next = n;
      if (left-- === 0) return n;
    }
    if (left < others) return null;
    this.fullUntil = Infinity;
    for (const { freeAt } of this.slots.values()) {
      if (freeAt > now) this.fullUntil = Math.min(this.fullUntil, freeAt);
    }
    return null;
  }

  #isTaken(n: number, now: number): boolean {
    const slot = this.slots.get(n);
    return slot !== undefined && slot.freeAt > now;
  }

  /**
   * How many slots, from the first on, starts may take. For each taken slot beyond the limit, one of
   * the last within it is left, so that at most `limit` are taken in total, whichever process looks.
   */
  #usable(limit: number, now: number): number {
    if (!this.beyond) return limit;
    let taken = 0;
    for (const [n, { freeAt }] of this.slots) {
      if (n < limit) continue;
      if (freeAt > now) taken++;
      else this.slots.delete(n);
    }
    this.beyond = taken > 0;
    let usable = limit;
    while (usable > 0 && usable + taken > limit) if (this.#isTaken(--usable, now)) taken++;
    return usable;
  }
}
