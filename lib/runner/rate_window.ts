/**
 * The starts under one name that this process knows of, within the time that a rate counts.
 *
 * @module
 */

import type { Key } from "../kv/keys.ts";

export interface Slot {
  readonly versionstamp: string | null;
  /** Monotonic: from when on it may be taken. */
  readonly freeAt: number;
}

/** A slot that a start takes, if its commit holds. */
export interface TakenSlot {
  readonly name: string;
  readonly n: number;
  readonly perMs: number;
  freeAt: number;
  /** Puts the time of its start into the store. */
  readonly set: [key: Key, at: number, size: number, expireIn: number];
}

export class RateWindow {
  /** Those that are not here are free, and not in the store. */
  slots = new Map<number, Slot>();
  /** Taken by starts of which is not known whether they hold. */
  readonly underWay = new Map<number, TakenSlot>();
  /** Where a free one is looked for. */
  next: number;
  /** None is free before. */
  fullUntil = -Infinity;
  reading: Promise<void> | undefined;
  /** The read behind that. */
  again: Promise<void> | undefined;
  /** By which rate it is: the versionstamp of that. */
  version: string | null | undefined;
  /** Some slots beyond the limit are taken. */
  beyond = false;

  constructor(next: number) {
    this.next = next;
  }

  /** A slot that is free, beside as many as `others` will take; `null` for none. */
  free(limit: number, now: number, others = 0): number | null {
    // What is known is wrong: a start would be lost, and with it a submit that is in its commit.
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
   * How many slots, from the first on, starts may take. As many of the last ones stay as they are as
   * slots beyond them are taken: then no more than `limit` are in all, whichever process looks.
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
