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
}

interface Slot {
  versionstamp: string | null;
  /** Monotonic: from when on it may be taken. */
  freeAt: number;
}

/** Names that are kept in mind. */
const MAX_NAMES = 10_000;

/** Milliseconds a slot is kept at least: one that expires changes, and who knew it must read again. */
const KEPT_MS = 3_600_000;

export class Rates {
  readonly #options: RatesOptions;
  readonly #clock: () => number;
  readonly #names = new Map<string, Slot[]>();

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** Milliseconds until a run of this name may start; 0 for now. As far as is known. */
  waitMs(name: string, { limit }: Rate): number {
    const slots = this.#names.get(name);
    if (!slots || slots.length < limit) return 0;
    const now = this.#clock();
    let least = Infinity;
    for (let n = 0; n < limit; n++) least = Math.min(least, slots[n]!.freeAt - now);
    return Math.max(0, least);
  }

  /** Takes a slot for a start; `null` where none is free. The commit of the part says whether it holds. */
  take(name: string, { limit, perMs }: Rate): { slot: number; part: Part } | null {
    const slots = this.#slotsOf(name);
    const now = this.#clock();
    let slot = slots.length < limit ? slots.length : -1;
    for (let n = 0; n < limit && slot < 0; n++) if (slots[n]!.freeAt <= now) slot = n;
    if (slot < 0) return null;
    const { versionstamp } = slots[slot] ?? { versionstamp: null };
    slots[slot] = { versionstamp, freeAt: now + perMs };
    const key = keys.rateSlot(name, slot);
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
  landed(name: string, slot: number, versionstamp: string): void {
    const known = this.#names.get(name)?.[slot];
    if (known) known.versionstamp = versionstamp;
  }

  /** Reads which slots are taken. */
  async read(name: string, { perMs }: Rate): Promise<void> {
    const { kv, now } = this.#options;
    const before = this.#names.get(name) ?? [];
    const slots: Slot[] = [];
    for await (const entry of kv.list<number>({ prefix: keys.rateSlotsOf(name) })) {
      const slot = slotIn(entry.key);
      const { versionstamp, value } = entry;
      const known = before[slot];
      // What the clock says of a time to come is not true.
      const age = Math.min(perMs, Math.max(0, now() - value));
      const freeAt = known?.versionstamp === versionstamp
        ? known.freeAt
        : this.#clock() + perMs - age;
      slots[slot] = { versionstamp, freeAt };
    }
    // Of those between, that have expired, nothing is left.
    for (let n = 0; n < slots.length; n++) slots[n] ??= { versionstamp: null, freeAt: 0 };
    this.#names.set(name, slots);
  }

  #slotsOf(name: string): Slot[] {
    const slots = this.#names.get(name) ?? [];
    this.#names.delete(name);
    this.#names.set(name, slots);
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value!);
    return slots;
  }
}
