/**
 * The queues of one kind, which take turns: one for each key by which its tasks are counted, and
 * one for tasks without a key. A queue whose key is at its limit is left out until there is room.
 *
 * @module
 */

import { KindQueue } from "./kind_queue.ts";

export class Turns {
  readonly kind: string;
  /** Tasks in memory that may run, or could if they were not left to others. */
  size = 0;
  /**
   * The store may have tasks with keys of which nothing is in memory, behind the queue of this name;
   * `null` where it has none.
   */
  unknown: string | null = null;
  /** Such keys are being read. */
  reading = false;
  /** Others were let go of meanwhile. */
  forgot = false;
  readonly #queues = new Map<string, KindQueue>();
  /** Those that may have something to run, the next one first. */
  readonly #active = new Set<KindQueue>();
  /** Those that stand aside, by what they wait for. */
  readonly #held = new Map<string, Set<KindQueue>>();
  readonly #heldBy = new Map<KindQueue, string>();

  constructor(kind: string) {
    this.kind = kind;
  }

  get queues(): ReadonlyMap<string, KindQueue> {
    return this.#queues;
  }

  /** Those that may have something to run, the next one first. */
  get active(): Iterable<KindQueue> {
    return this.#active;
  }

  get waiting(): number {
    return this.#active.size;
  }

  of(name: string): KindQueue {
    let queue = this.#queues.get(name);
    if (!queue) this.#queues.set(name, queue = new KindQueue(name));
    return queue;
  }

  /** It has something to run, or to read. */
  wake(queue: KindQueue): void {
    if (!this.#heldBy.has(queue)) this.#active.add(queue);
  }

  /** It has nothing to run for now. */
  rest(queue: KindQueue): void {
    this.#active.delete(queue);
  }

  /** It stands aside until {@link Turns.release}. */
  hold(queue: KindQueue, by: string): void {
    this.#active.delete(queue);
    this.#heldBy.set(queue, by);
    let held = this.#held.get(by);
    if (!held) this.#held.set(by, held = new Set());
    held.add(queue);
  }

  isHeld(queue: KindQueue): boolean {
    return this.#heldBy.has(queue);
  }

  /** What they waited for may be there. */
  release(by: string): void {
    const held = this.#held.get(by);
    if (!held) return;
    this.#held.delete(by);
    for (const queue of held) {
      this.#heldBy.delete(queue);
      this.#active.add(queue);
    }
  }

  /** It had its turn: all others come before it. */
  turn(queue: KindQueue): void {
    if (this.#active.delete(queue)) this.#active.add(queue);
  }

  /** Lets go of a queue that has nothing in memory. */
  forget(queue: KindQueue): void {
    this.#queues.delete(queue.name);
    this.#active.delete(queue);
    const by = this.#heldBy.get(queue);
    if (by === undefined) return;
    this.#heldBy.delete(queue);
    const held = this.#held.get(by);
    held?.delete(queue);
    if (held?.size === 0) this.#held.delete(by);
  }

  /** One of the larger queues: that has to give way where there is no room. */
  largest(own: KindQueue): KindQueue {
    let largest = own;
    let looked = 0;
    for (const queue of this.#queues.values()) {
      if (queue.all.size > largest.all.size) largest = queue;
      if (++looked === LOOKS) break;
    }
    return largest;
  }
}

/** Queues that are compared where one has to give way. */
const LOOKS = 32;
