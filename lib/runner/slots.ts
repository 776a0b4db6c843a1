/**
 * Slots under a kind's cluster-wide concurrency limit: a key each, which a claim must find free.
 *
 * @module
 */

import { keys, slotIn } from "../kv/keys.ts";

/** What this process knows of the slots taken, its own and others'. */
export class Slots {
  readonly #kv: Deno.Kv;
  readonly #taken = new Map<string, Set<number>>();
  /** What became of slots while the newest read of a kind was under way: taken, or free again. */
  readonly #meanwhile = new Map<string, Map<number, boolean>>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Whether slots of a kind were ever taken here. */
  has(kind: string): boolean {
    return this.#taken.has(kind);
  }

  /** A slot that is free, as far as is known, beside `others`; `null` when there is none. */
  free(kind: string, limit: number, others = 0): number | null {
    const taken = this.#taken.get(kind);
    for (let n = 0; n < limit; n++) if (!taken?.has(n) && others-- === 0) return n;
    return null;
  }

  /** Notes that a slot is taken. The claim's commit says whether that holds. */
  take(kind: string, slot: number): void {
    let taken = this.#taken.get(kind);
    if (!taken) this.#taken.set(kind, taken = new Set());
    taken.add(slot);
    this.#meanwhile.get(kind)?.set(slot, true);
  }

  /** Notes that a slot is free again: not before the store says so. */
  release(kind: string, slot: number): void {
    this.#taken.get(kind)?.delete(slot);
    this.#meanwhile.get(kind)?.set(slot, false);
  }

  /** Reads which slots are taken in the store; `own` are taken whatever it says. */
  async read(kind: string, own: Iterable<number>): Promise<void> {
    const taken = new Set(own);
    const meanwhile = new Map<number, boolean>();
    this.#meanwhile.set(kind, meanwhile);
    for await (const { key } of this.#kv.list({ prefix: keys.slotsOf(kind) })) {
      taken.add(slotIn(key));
    }
    // A read that began later knows better.
    if (this.#meanwhile.get(kind) !== meanwhile) return;
    this.#meanwhile.delete(kind);
    for (const [slot, isTaken] of meanwhile) {
      if (isTaken) taken.add(slot);
      else taken.delete(slot);
    }
    this.#taken.set(kind, taken);
  }
}
