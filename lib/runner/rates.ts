/**
 * How many runs may start in a time, over the whole cluster: a sliding window, exactly. A name has as
 * many slots as runs may start in it; a start takes one, whose commit checks that it is as this
 * process knows it, and nobody else takes it before the time is over. So in no window as long as that
 * there are more starts than slots, whichever processes they are of.
 *
 * A slot keeps the wall clock's time of its start. A process counts from there by its own monotonic
 * clock, from when it first knew of it: a clock that jumps makes nobody wait for longer than the
 * window, and lets nothing start too early that this process knows of.
 *
 * @module
 */

import { keys, slotIn } from "../kv/keys.ts";
import type { Part } from "../store/write.ts";

export interface Rate {
  readonly limit: number;
  readonly perMs: number;
}

export interface RatesOptions {
  kv: Deno.Kv;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. @default {performance.now} */
  clock?: () => number;
  /** From 0, below 1. @default {Math.random} */
  random?: () => number;
}

interface Slot {
  readonly versionstamp: string | null;
  /** Monotonic: from when on it may be taken. */
  readonly freeAt: number;
}

/** A slot that a start takes, if its commit holds. */
export interface TakenSlot {
  readonly name: string;
  readonly n: number;
  readonly freeAt: number;
}

/** What this process knows of one name. */
class Window {
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

  constructor(next: number) {
    this.next = next;
  }

  free(limit: number, now: number): number | null {
    // What is known is wrong: a start would be lost, and with it a submit that is in its commit.
    if (this.reading || now < this.fullUntil) return null;
    let least = Infinity;
    for (let looked = 0; looked < limit; looked++) {
      const n = (this.next + looked) % limit;
      const { freeAt = -Infinity } = this.slots.get(n) ?? {};
      if (freeAt <= now) {
        this.next = n;
        return n;
      }
      least = Math.min(least, freeAt);
    }
    this.fullUntil = least;
    return null;
  }
}

/** Names that are kept in mind. */
const MAX_NAMES = 10_000;

/** Milliseconds after which who waits for a read looks again. */
const READ_MS = 20;

/** Milliseconds a slot is kept at least: one that expires changes, and who knew it must read again. */
const KEPT_MS = 3_600_000;

export class Rates {
  readonly #options: RatesOptions;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #names = new Map<string, Window>();

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  /** Milliseconds until a run of this name may start; 0 for now. As far as is known. */
  waitMs(name: string, { limit }: Rate): number {
    const window = this.#names.get(name);
    const now = this.#clock();
    if (!window || window.free(limit, now) !== null) return 0;
    return window.reading ? READ_MS : window.fullUntil - now;
  }

  /** Takes a slot for a start; `null` where none is free. The commit of the part says whether it holds. */
  take(name: string, { limit, perMs }: Rate): { slot: TakenSlot; part: Part } | null {
    const window = this.#windowOf(name, limit);
    const now = this.#clock();
    const n = window.free(limit, now);
    if (n === null) return null;
    const { versionstamp } = window.slots.get(n) ?? { versionstamp: null };
    const slot = { name, n, freeAt: now + perMs };
    window.slots.set(n, { versionstamp, freeAt: slot.freeAt });
    window.underWay.set(n, slot);
    const key = keys.rateSlot(name, n);
    const expireIn = Math.max(KEPT_MS, 2 * perMs);
    return {
      slot,
      part: {
        checks: [{ key, versionstamp }],
        sets: [[key, this.#options.now(), 16, expireIn]],
      },
    };
  }

  /** The commit of a start has landed. */
  landed(slot: TakenSlot, versionstamp: string): void {
    const { name, n, freeAt } = slot;
    const window = this.#names.get(name);
    if (window?.underWay.get(n) !== slot) return;
    window.underWay.delete(n);
    window.slots.set(n, { versionstamp, freeAt });
  }

  /** A start is not to be, as somebody else has its slot, or for another reason. */
  async lost(slot: TakenSlot, rate: Rate): Promise<void> {
    const { name, n } = slot;
    const window = this.#names.get(name);
    if (window?.underWay.get(n) !== slot) return;
    const { versionstamp } = await this.#options.kv.get(keys.rateSlot(name, n));
    window.underWay.delete(n);
    if (window.slots.get(n)?.versionstamp !== versionstamp) return await this.read(name, rate);
    window.slots.set(n, { versionstamp, freeAt: -Infinity });
    window.fullUntil = -Infinity;
  }

  /** Reads which slots are taken. Those who ask while it is read have it read once more, together. */
  async read(name: string, rate: Rate): Promise<void> {
    const window = this.#windowOf(name, rate.limit);
    if (!window.reading) {
      window.reading = this.#read(name, window, rate).finally(() => window.reading = undefined);
      return await window.reading;
    }
    const before = window.reading.catch(() => {});
    await (window.again ??= before.then(() => {
      window.again = undefined;
      return this.read(name, rate);
    }));
  }

  async #read(name: string, window: Window, { limit, perMs }: Rate): Promise<void> {
    const { kv, now } = this.#options;
    const slots = new Map<number, Slot>();
    for await (const entry of kv.list<number>({ prefix: keys.rateSlotsOf(name) })) {
      const n = slotIn(entry.key);
      const { versionstamp, value } = entry;
      const known = window.slots.get(n);
      // What the clock says of a time to come is not true.
      const age = Math.min(perMs, Math.max(0, now() - value));
      const freeAt = known?.versionstamp === versionstamp
        ? known.freeAt
        : this.#clock() + perMs - age;
      slots.set(n, { versionstamp, freeAt });
    }
    // The commit of such a one tells better.
    for (const n of window.underWay.keys()) slots.set(n, window.slots.get(n)!);
    window.slots = slots;
    window.fullUntil = -Infinity;
    // Elsewhere than where another process goes on, which was met.
    window.next = Math.floor(this.#random() * limit);
  }

  /** Those used last are kept: of another one the first claim is lost, and it is read again. */
  #windowOf(name: string, limit: number): Window {
    const window = this.#names.get(name) ?? new Window(Math.floor(this.#random() * limit));
    this.#names.delete(name);
    this.#names.set(name, window);
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value!);
    return window;
  }
}
