/**
 * Limits how many runs start within a window of time in the whole cluster. The window slides, and
 * the limit is exact. A name has as many slots as runs may start in a window. A start takes a slot:
 * its commit checks that the slot is as this process knows it, and no other start takes the slot
 * until the window has passed. So no window has more starts than slots, whichever processes they
 * are from.
 *
 * A slot stores the wall-clock time of its start. Each process counts from when it learned of the
 * start, by its own monotonic clock: if a wall clock jumps, no run waits for longer than the
 * window, and none starts before a slot that this process knows of is free.
 *
 * When a deploy lowers the limit, earlier starts may be in slots beyond it. They count until their
 * window has passed: until then, as many of the last slots within the limit are not used.
 *
 * @module
 */

import { keys, slotIn } from "../kv/keys.ts";
import { lineOfName } from "../kv/rank.ts";
import { type Rate, type RateInForce, RatesInForce } from "./rate_in_force.ts";
import { RateWindow, type Slot, type TakenSlot } from "./rate_window.ts";
import type { Part, WriteResult } from "../store/write.ts";

export interface RatesOptions {
  kv: Deno.Kv;
  write(part: Part): Promise<WriteResult>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. @default {performance.now} */
  clock?: () => number;
  /** From 0, below 1. @default {Math.random} */
  random?: () => number;
}

/** How many names are kept in memory. */
const MAX_NAMES = 10_000;

/** Milliseconds after which a caller that waits for a read asks again. */
const READ_MS = 20;

/** Milliseconds a slot is kept, at least: if one expires, those who knew it must read again. */
const KEPT_MS = 3_600_000;

export class Rates {
  readonly #options: RatesOptions;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #names = new Map<string, RateWindow>();
  readonly #inForce: RatesInForce;
  readonly #openedAt: number;
  /** Kinds and names of which a read is under way. */
  readonly #begun = new Set<string>();

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#openedAt = this.#clock();
    this.#inForce = new RatesInForce({ ...options, clock: this.#clock });
    this.#random = options.random ?? Math.random;
  }

  /**
   * Milliseconds until a run of this name may start, as far as is known; 0 for now.
   *
   * @param others How many runs have been chosen already, and will take a slot each.
   */
  waitMs(name: string, own: Rate, others = 0): number {
    const known = this.#inForce.get(lineOfName(name).kind);
    if (known && !this.#names.has(name) && !this.#mustRead(known) && others < known.limit) return 0;
    const found = this.#find(name, own);
    if (!found) return READ_MS;
    const { window, rate } = found;
    const now = this.#clock();
    if (window.free(rate.limit, now, others) !== null) return 0;
    return window.reading || now >= window.fullUntil ? READ_MS : window.fullUntil - now;
  }

  /** Takes a slot for a start; `null` if none is free. It holds once the part is committed. */
  take(name: string, own: Rate): { slot: TakenSlot; part: Part } | null {
    const found = this.#find(name, own);
    if (!found) return null;
    const { window, rate: { limit, perMs, check } } = found;
    const now = this.#clock();
    const n = window.free(limit, now);
    if (n === null) return null;
    const { versionstamp } = window.slots.get(n) ?? { versionstamp: null };
    const key = keys.rateSlot(name, n);
    const expireIn = Math.max(KEPT_MS, 2 * perMs);
    const set: TakenSlot["set"] = [key, this.#options.now(), 16, expireIn];
    const slot: TakenSlot = { name, n, perMs, freeAt: now + perMs, set };
    window.slots.set(n, { versionstamp, freeAt: slot.freeAt });
    window.underWay.set(n, slot);
    return { slot, part: { checks: [{ key, versionstamp }, check], sets: [set] } };
  }

  /**
   * Sets a slot's time to the start's, which is now: this process may have stalled since it took the
   * slot, and the slot must not be free too early.
   */
  started(slot: TakenSlot): void {
    const window = this.#names.get(slot.name);
    if (window?.underWay.get(slot.n) !== slot) return;
    slot.freeAt = this.#clock() + slot.perMs;
    slot.set[1] = this.#options.now();
    const { versionstamp } = window.slots.get(slot.n)!;
    window.slots.set(slot.n, { versionstamp, freeAt: slot.freeAt });
  }

  /** The commit of a start has landed. */
  landed(slot: TakenSlot, versionstamp: string): void {
    const { name, n, freeAt } = slot;
    const window = this.#names.get(name);
    if (window?.underWay.get(n) !== slot) return;
    window.underWay.delete(n);
    window.slots.set(n, { versionstamp, freeAt });
  }

  /** A start was refused, as another process has its slot or for another reason. */
  async lost(slot: TakenSlot, own: Rate): Promise<void> {
    const { name, n } = slot;
    const window = this.#names.get(name);
    if (window?.underWay.get(n) !== slot) return;
    const { kind } = lineOfName(name);
    const [taken, rated] = await this.#options.kv.getMany([
      keys.rateSlot(name, n),
      keys.rated(kind),
    ]);
    const changed = this.#inForce.hasChanged(kind, rated.versionstamp);
    if (changed) await this.#inForce.read(kind, own);
    window.underWay.delete(n);
    if (changed || window.slots.get(n)?.versionstamp !== taken.versionstamp) {
      return await this.read(name, own);
    }
    window.slots.set(n, { versionstamp: taken.versionstamp, freeAt: -Infinity });
    window.fullUntil = -Infinity;
  }

  /** Reads which slots are taken. All calls during a read share one more read after it. */
  async read(name: string, own: Rate): Promise<void> {
    const { kind } = lineOfName(name);
    if (!this.#inForce.get(kind)) await this.#inForce.read(kind, own);
    const rate = this.#inForce.get(kind)!;
    const window = this.#windowOf(name, rate.limit);
    if (!window.reading) {
      window.reading = this.#read(name, window, rate).finally(() => window.reading = undefined);
      return await window.reading;
    }
    const before = window.reading.catch(() => {});
    await (window.again ??= before.then(() => {
      window.again = undefined;
      return this.read(name, own);
    }));
  }

  async #read(
    name: string,
    window: RateWindow,
    { limit, perMs, check }: RateInForce,
  ): Promise<void> {
    const { kv, now } = this.#options;
    const slots = new Map<number, Slot>();
    const sameRate = window.version === check.versionstamp;
    for await (const entry of kv.list<number>({ prefix: keys.rateSlotsOf(name) })) {
      const n = slotIn(entry.key);
      const { versionstamp, value } = entry;
      const known = window.slots.get(n);
      // A time in the future comes from a wrong clock.
      const age = Math.min(perMs, Math.max(0, now() - value));
      const freeAt = sameRate && known?.versionstamp === versionstamp
        ? known.freeAt
        : this.#clock() + perMs - age;
      slots.set(n, { versionstamp, freeAt });
    }
    // The commits of starts under way decide on their slots.
    for (const n of window.underWay.keys()) slots.set(n, window.slots.get(n)!);
    window.slots = slots;
    window.version = check.versionstamp;
    window.beyond = [...slots.keys()].some((n) => n >= limit);
    window.fullUntil = -Infinity;
    // Elsewhere than the process that we collided with, which goes on from there.
    window.next = Math.floor(this.#random() * limit);
  }

  /** What is known of a name, if it is enough for a start; else begins a read and returns `null`. */
  #find(name: string, own: Rate): { window: RateWindow; rate: RateInForce } | null {
    const { kind } = lineOfName(name);
    const rate = this.#inForce.get(kind);
    if (!rate) {
      this.#begin(kind, () => this.#inForce.read(kind, own));
      return null;
    }
    const window = this.#windowOf(name, rate.limit);
    // Nothing is known of it, so the commit of its first start finds out.
    if (window.version === undefined && !this.#mustRead(rate)) {
      window.version = rate.check.versionstamp;
    }
    if (window.version === rate.check.versionstamp) return { window, rate };
    if (!window.reading) this.#begin(name, () => this.read(name, own));
    return null;
  }

  /**
   * Whether slots must be read first: those of starts from before a limit was lowered, or before this
   * process began, may be unknown. To collide with one costs a task its turn.
   */
  #mustRead({ loweredUntil, perMs }: RateInForce): boolean {
    return this.#clock() < Math.max(loweredUntil, this.#openedAt + perMs);
  }

  /** Begins a read, unless it is under way. After a failure, the next caller begins it again. */
  #begin(what: string, read: () => Promise<void>): void {
    if (this.#begun.has(what)) return;
    this.#begun.add(what);
    read().catch(() => {}).finally(() => this.#begun.delete(what));
  }

  /** Those used last are kept: a forgotten one loses its first claim, and is read again. */
  #windowOf(name: string, limit: number): RateWindow {
    const window = this.#names.get(name) ?? new RateWindow(Math.floor(this.#random() * limit));
    this.#names.delete(name);
    this.#names.set(name, window);
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value!);
    return window;
  }
}
