/**
 * The queues of all kinds: which there are, and of which of them more should be read, since the
 * store has tasks that are not in memory.
 *
 * @module
 */

import type { Candidate, KindQueue } from "./kind_queue.ts";
import type { Line } from "./line.ts";
import { firstRank, lineName, type Rank } from "../kv/rank.ts";
import { Turns } from "./turns.ts";

/** How many tasks of a held key stay in memory, and below how many of a key more are read. */
const KEPT = 100;
const FEW_OF_KEY = 20;

/**
 * How many lines {@link KindQueues.wanted} returns at most, and of how many kinds keys are read at
 * once.
 */
const READS = 16;

export class KindQueues {
  readonly #limit: number;
  readonly #few: number;
  readonly #kinds = new Map<string, Turns>();
  /** Queues of which the store may have more tasks. */
  readonly #lacking = new Set<KindQueue>();
  /** Kinds whose keys are being read. */
  #keyReads = 0;

  /** As in {@link ./run_queue.ts RunQueueOptions}. */
  constructor({ limit, few }: { limit: number; few: number }) {
    this.#limit = limit;
    this.#few = few;
  }

  /** The kinds that have tasks, or had some. */
  get kinds(): Iterable<Turns> {
    return this.#kinds.values();
  }

  turns(kind: string): Turns {
    let turns = this.#kinds.get(kind);
    if (!turns) this.#kinds.set(kind, turns = new Turns(kind));
    return turns;
  }

  /** The queue of this name, as {@link lineName} makes it. */
  of(turns: Turns, name: string): KindQueue {
    const known = turns.queues.get(name);
    if (known) return known;
    const queue = turns.of(name);
    // The store may have others of this key that were not read yet.
    if (queue.key !== undefined && turns.unknown !== null) {
      const first = firstRank(name);
      queue.lineOf(first).note(first);
      this.lack(queue);
    }
    return queue;
  }

  /** The queue whose line a task is in. Tasks that wait for a time share one, whatever their keys. */
  lineQueue(rank: Rank): KindQueue {
    const turns = this.turns(rank.kind);
    return this.of(turns, rank.waits ? rank.kind : lineName(rank));
  }

  /** A queue may lack tasks that the store has. */
  lack(queue: KindQueue): void {
    if (!queue.lacks) return;
    this.#lacking.add(queue);
    this.turns(queue.kind).wake(queue);
  }

  /** Forgets a key that has no tasks here and none in the store. */
  tidy(queue: KindQueue, turns: Turns): void {
    if (queue.key === undefined || queue.all.size > 0 || queue.lacks) return;
    turns.forget(queue);
    this.#lacking.delete(queue);
  }

  /** Forgets a key that has no tasks here: it is looked for again later. */
  forget(queue: KindQueue, turns: Turns): void {
    for (const { reading } of queue.lines) if (reading) return;
    turns.forget(queue);
    this.#lacking.delete(queue);
    if (turns.unknown === null) turns.unknown = "";
    else turns.forgot = true;
  }

  /** Gives queues a turn again that were held by `by`. */
  release(kind: string, by: string): void {
    this.#kinds.get(kind)?.release(by);
  }

  /** As {@link KindQueue.gap}, within the room that the kind's other keys leave. */
  gap(queue: KindQueue, turns: Turns, now: number): Line<Candidate> | undefined {
    const others = turns.size - queue.all.size;
    const least = queue.key === undefined ? 0 : 1;
    return queue.gap(now, Math.max(least, this.#limit - others));
  }

  /** How many tasks of a held key stay in memory: none if others need the room. */
  kept(turns: Turns): number {
    return 2 * turns.size > this.#limit ? 0 : KEPT;
  }

  /** The lines of which more should be read now, one of each queue. */
  wanted(now: number): Line<Candidate>[] {
    const wanted: Line<Candidate>[] = [];
    for (const queue of this.#lacking) {
      if (wanted.length === READS) break;
      const turns = this.turns(queue.kind);
      if (!queue.lacks) {
        this.#lacking.delete(queue);
        this.tidy(queue, turns);
        continue;
      }
      const few = queue.key === undefined ? this.#few : Math.min(FEW_OF_KEY, this.#few);
      if ((!queue.blocked && queue.all.size >= few) || turns.isHeld(queue)) continue;
      const line = this.gap(queue, turns, now);
      if (line && !line.reading) wanted.push(line);
    }
    return wanted;
  }

  /** Kinds whose keys to read now, and after which queue name: for {@link KindQueues.endKeys}. */
  wantedKeys(): [kind: string, after: string][] {
    const wanted: [string, string][] = [];
    for (const turns of this.#kinds.values()) {
      if (this.#keyReads === READS) break;
      const { kind, unknown, reading, waiting } = turns;
      // Held keys do not count, so that others can be found.
      if (unknown === null || reading || 2 * waiting > this.#limit) continue;
      turns.reading = true;
      this.#keyReads++;
      wanted.push([kind, unknown]);
    }
    return wanted;
  }

  /** Keys of a kind were read; `next` is the name after which there may be more, `null` for none. */
  endKeys(turns: Turns, next: string | null): void {
    turns.reading = false;
    this.#keyReads--;
    turns.unknown = next ?? (turns.forgot ? "" : null);
    if (next === null) turns.forgot = false;
  }

  /** When the first task after `now` that only the store has becomes due; `Infinity` for never. */
  nextDue(now: number): number {
    let at = Infinity;
    for (const { lines } of this.#lacking) {
      for (const { waits, missing } of lines) {
        if (waits && missing && missing.runAt > now) at = Math.min(at, missing.runAt);
      }
    }
    return at;
  }
}
