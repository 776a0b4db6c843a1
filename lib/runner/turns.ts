/**
 * The queues of one kind, which take turns: one for each key by which its tasks are counted, and
 * one for tasks without a key. A queue whose key is at its limit is left out until there is room.
 *
 * @module
 */

import { KindQueue } from "./kind_queue.ts";

export class Turns {
  readonly kind: string;
  /** How many due tasks are in memory, including those left to other processes for now. */
  size = 0;
  /**
   * The store may have tasks with keys of which nothing is in memory, after the queue of this name;
   * `null` if it has none.
   */
  unknown: string | null = null;
  /** Whether such keys are being read. */
  reading = false;
  /** Whether keys were dropped from memory meanwhile, so that the search must start over. */
  forgot = false;
  readonly #queues = new Map<string, KindQueue>();
  /** Queues that may have something to run, the next one first. */
  readonly #active = new Set<KindQueue>();
  /** Queues that are held, by what holds them. */
  readonly #held = new Map<string, Set<KindQueue>>();
  readonly #heldBy = new Map<KindQueue, string>();

  constructor(kind: string) {
    this.kind = kind;
  }

  get queues(): ReadonlyMap<string, KindQueue> {
    return this.#queues;
  }

  /** Queues that may have something to run, the next one first. */
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

  /** A queue has something to run or to read. */
  wake(queue: KindQueue): void {
    if (!this.#heldBy.has(queue)) this.#active.add(queue);
  }

  /** A queue has nothing to run for now. */
  rest(queue: KindQueue): void {
    this.#active.delete(queue);
  }

  /** Passes a queue over until {@link Turns.release}. */
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

  /** Gives the queues a turn again that were held by `by`. */
  release(by: string): void {
    const held = this.#held.get(by);
    if (!held) return;
    this.#held.delete(by);
    for (const queue of held) {
      this.#heldBy.delete(queue);
      this.#active.add(queue);
    }
  }

  /** A queue had its turn: all others come before it now. */
  turn(queue: KindQueue): void {
    if (this.#active.delete(queue)) this.#active.add(queue);
  }

  /** Forgets a queue that has nothing in memory. */
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

  /** One of the larger queues, which gives up a task where there is no room. */
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

/** How many queues {@link Turns.largest} compares: a kind may have very many. */
const LOOKS = 32;
