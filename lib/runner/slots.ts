/**
 * Slots under a cluster-wide concurrency limit, of a kind or of a key of it: each is a key of the
 * store that a claim must find free. If no other process runs tasks, none is stored.
 *
 * @module
 */

import { keys, slotIn } from "../kv/keys.ts";

/** One of a name's slots. */
export interface Slot {
  readonly name: string;
  readonly n: number;
}

/** What this process knows of the slots taken, its own and others'. */
export class Slots {
  readonly #kv: Deno.Kv | null;
  readonly #taken = new Map<string, Taken>();
  /** By name, slots that were taken (`true`) or freed (`false`) during the newest read. */
  readonly #meanwhile = new Map<string, Map<number, boolean>>();

  /** @param kv Where other processes find the slots; `null` if there are none. */
  constructor(kv: Deno.Kv | null) {
    this.#kv = kv;
  }

  /** Whether some of a name's slots are taken, as far as is known. */
  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** A free slot, as far as is known, after `others` that are left free; `null` if there is none. */
  free(name: string, limit: number, others = 0): number | null {
    const taken = this.#taken.get(name);
    if (!taken) return others < limit ? others : null;
    return taken.free(limit, others);
  }

  /** How many are taken, as far as is known. */
  count(name: string): number {
    return this.#taken.get(name)?.size ?? 0;
  }

  /** Notes that a slot is taken. The claim's commit says whether that holds. */
  take(name: string, slot: number): void {
    let taken = this.#taken.get(name);
    if (!taken) this.#taken.set(name, taken = new Taken());
    taken.add(slot);
    this.#meanwhile.get(name)?.set(slot, true);
  }

  /** Notes that a slot is free again: not before the store says so. */
  release(name: string, slot: number): void {
    const taken = this.#taken.get(name);
    taken?.delete(slot);
    if (taken?.size === 0) this.#taken.delete(name);
    this.#meanwhile.get(name)?.set(slot, false);
  }

  /** Reads which slots others have taken; `own` are taken whatever the store says. */
  async read(name: string, own: Iterable<number>): Promise<void> {
    const taken = new Taken(own);
    if (this.#kv) {
      const meanwhile = new Map<number, boolean>();
      this.#meanwhile.set(name, meanwhile);
      for await (const { key } of this.#kv.list({ prefix: keys.slotsOf(name) })) {
        taken.add(slotIn(key));
      }
      // A read that began later replaces this one.
      if (this.#meanwhile.get(name) !== meanwhile) return;
      this.#meanwhile.delete(name);
      for (const [slot, isTaken] of meanwhile) {
        if (isTaken) taken.add(slot);
        else taken.delete(slot);
      }
    }
    if (taken.size > 0) this.#taken.set(name, taken);
    else this.#taken.delete(name);
  }
}

/** The slots of one name that are taken. */
class Taken {
  readonly #slots: Set<number>;
  /** All slots below are taken. */
  #low = 0;

  constructor(slots: Iterable<number> = []) {
    this.#slots = new Set(slots);
  }

  get size(): number {
    return this.#slots.size;
  }

  add(slot: number): void {
    this.#slots.add(slot);
  }

  delete(slot: number): void {
    if (this.#slots.delete(slot)) this.#low = Math.min(this.#low, slot);
  }

  free(limit: number, others: number): number | null {
    // Slots above the limit count, too: they were taken before it was lowered.
    if (this.#slots.size + others >= limit) return null;
    while (this.#slots.has(this.#low)) this.#low++;
    for (let slot = this.#low; slot < limit; slot++) {
      if (!this.#slots.has(slot) && others-- === 0) return slot;
    }
    return null;
  }
}
