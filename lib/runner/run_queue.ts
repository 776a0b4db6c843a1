/**
 * Pending tasks in the order in which they should run, as far as they are in memory: for each kind
 * the first ones in the store, and of those that wait for a time the ones due first. It knows where
 * the rest begin, which only the store has, so that nothing is taken before what comes first.
 *
 * @module
 */

import { type Candidate, compareReady, type Entry, type KindQueue } from "./kind_queue.ts";
import { KindQueues } from "./kind_queues.ts";
import type { Line } from "./line.ts";
import { compareRanks, lineName, lineOfName, type Rank } from "../kv/rank.ts";
import type { Turns } from "./turns.ts";
import { Upcoming } from "./upcoming.ts";

export type { Candidate };

export interface RunQueueOptions {
  /** Tasks in memory: of each kind, and of all kinds that are not due yet. @default {10_000} */
  limit?: number;
  /** More tasks of a kind are read while fewer than this are in memory. @default {2000} */
  few?: number;
  /** A task was dropped from memory: the store has it, or will have it. */
  onleft?(candidate: Candidate): void;
  /**
   * A due task was dropped from memory as its key is at its limit: among those that wait for a time, it
   * would be in the way of tasks with other keys after it.
   */
  onpark?(candidate: Candidate): void;
}

/**
 * Names what keeps tasks of a key from running, for {@link RunQueue.release}; `null` for nothing.
 * Without a key, names what keeps all of the kind: then its keys are not asked about one by one.
 */
export type HeldBy = (kind: string, key: string | undefined) => string | null;

export class RunQueue {
  readonly #limit: number;
  readonly #onleft: ((candidate: Candidate) => void) | undefined;
  readonly #onpark: ((candidate: Candidate) => void) | undefined;
  readonly #known = new Map<string, Entry>();
  readonly #queues: KindQueues;
  readonly #upcoming = new Upcoming({
    ondue: (entry, now) => this.#open(entry, now),
    onclaimable: (entry) => {
      const turns = this.#queues.turns(entry.rank.kind);
      const queue = this.#queues.of(turns, lineName(entry.rank));
      queue.ready.add(entry);
      turns.wake(queue);
    },
  });
  /** Lines that are being read, each with the number of entries that were put before. */
  readonly #reading = new Map<Line<Candidate>, number>();
  #puts = 0;

  /** Starts empty, and assumes that the store has no other tasks than it is told of. */
  constructor({ limit = 10_000, few = 2000, onleft, onpark }: RunQueueOptions = {}) {
    this.#limit = limit;
    this.#queues = new KindQueues({ limit, few });
    this.#onleft = onleft;
    this.#onpark = onpark;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Adds a task, in place of what is here of it: it may have been retried. */
  add(candidate: Candidate, now: number): void {
    const { id, live } = candidate;
    if (this.#holds(candidate)) {
      if (live) this.#known.get(id)!.rank.live = live;
      return;
    }
    this.remove(id);
    const queue = this.#queues.lineQueue(candidate);
    const line = queue.lineOf(candidate);
    if (line.hasBefore(candidate)) this.#put(candidate, now);
    else if (!line.hold(candidate, this.#limit)) this.#onleft?.(candidate);
  }

  /** Removes a task that is no longer pending. */
  remove(id: string): void {
    const known = this.#known.get(id);
    if (known) {
      this.#take(known);
      const turns = this.#queues.turns(known.rank.kind);
      this.#queues.tidy(this.#queues.of(turns, lineName(known.rank)), turns);
    }
    for (const line of this.#reading.keys()) line.forget(id);
  }

  /** Notes that the store has a task that is not here. Returns whether that was unknown. */
  note(rank: Rank): boolean {
    if (this.#holds(rank)) return false;
    const queue = this.#queues.lineQueue(rank);
    const news = queue.lineOf(rank).note(rank);
    this.#queues.lack(queue);
    return news;
  }

  /** Takes out the task that should run next. `mayRun` gets a kind and how many tasks of it wait. */
  next(
    now: number,
    mayRun: (kind: string, waiting: number) => boolean,
    heldBy: HeldBy = () => null,
  ): Candidate | null {
    this.#upcoming.advance(now);
    let best: Entry | undefined;
    const gaps: [KindQueue, Rank][] = [];
    for (const turns of this.#queues.kinds) {
      const { kind } = turns;
      if (turns.waiting === 0 || heldBy(kind, undefined) !== null) continue;
      const queue = this.#front(turns, now, heldBy);
      if (!queue) continue;
      queue.blocked = false;
      const gap = this.#queues.gap(queue, turns, now)?.missing;
      const { first } = queue.ready;
      const better = first && (!best || compareReady(first, best) < 0);
      const waiting = queue.ready.size + turns.waiting - 1;
      if ((!gap && !better) || !mayRun(kind, waiting)) continue;
      if (better) best = first;
      if (gap) gaps.push([queue, gap]);
    }
    let blocked = false;
    for (const [queue, gap] of gaps) {
      if (!best || compareRanks(gap, best.rank) < 0) queue.blocked = blocked = true;
    }
    if (!best || blocked) return null;
    const turns = this.#queues.turns(best.rank.kind);
    const queue = this.#queues.of(turns, lineName(best.rank));
    this.#take(best);
    turns.turn(queue);
    this.#queues.tidy(queue, turns);
    return best.rank;
  }

  /** Gives queues a turn again that were held by `by`. */
  release(kind: string, by: string): void {
    this.#queues.release(kind, by);
  }

  /** Notes that the store may have tasks of a kind with keys that are not in memory. */
  lookForKeys(kind: string): void {
    this.#queues.turns(kind).unknown ??= "";
  }

  /** Kinds whose keys to read now, and after which queue name: for {@link RunQueue.foundKeys}. */
  wantedKeys(): [kind: string, after: string][] {
    return this.#queues.wantedKeys();
  }

  /**
   * Takes in keys: the first task of each, the one after it, and the name after which there may be more
   * keys, `null` for none. Where there are many keys, most have few tasks, and these are all of them.
   */
  foundKeys(
    kind: string,
    found: readonly { first: Candidate; next: Rank | null }[],
    next: string | null,
    now: number,
  ): void {
    const turns = this.#queues.turns(kind);
    this.#queues.endKeys(turns, next);
    for (const { first, next } of found) {
      const name = lineName(first);
      // A task of the key came meanwhile, and the store may have others before it: they are read.
      if (turns.queues.has(name)) this.note(first);
      else {
        turns.of(name);
        this.add(first, now);
        if (next) this.note(next);
      }
    }
  }

  /** The lines of which more should be read now, one of each queue. See {@link RunQueue.begin}. */
  wanted(now: number): Line<Candidate>[] {
    return this.#queues.wanted(now);
  }

  /** Begins to read a line; returns where to read from. */
  begin(line: Line<Candidate>): Rank {
    this.#reading.set(line, this.#puts);
    return line.begin();
  }

  /** Takes in what was read of a line. `next` is the first task after that, `null` if there is none. */
  end(line: Line<Candidate>, found: readonly Candidate[], next: Rank | null, now: number): void {
    const before = this.#reading.get(line)!;
    this.#reading.delete(line);
    const { kind } = lineOfName(line.queue);
    const turns = this.#queues.turns(kind);
    const queue = this.#queues.of(turns, line.queue);
    queue.blocked = false;
    const held = line.end(next);
    this.#queues.lack(queue);
    for (const candidate of found) {
      const known = this.#known.get(candidate.id);
      // What came of a task since then is newer than what was read.
      if (!known || known.put < before) this.add(candidate, now);
    }
    for (const candidate of held) this.add(candidate, now);
    this.#queues.tidy(queue, turns);
  }

  fail(line: Line<Candidate>, now: number): void {
    this.end(line, [], line.missing, now);
  }

  /**
   * When there may be more to take or to read: a time after `now`, `now` itself if tasks became due
   * since the last look, or `null` for never.
   */
  nextChange(now: number): number | null {
    if (this.#upcoming.advance(now)) return now;
    const at = Math.min(this.#upcoming.next, this.#queues.nextDue(now));
    return at === Infinity ? null : at;
  }

  #holds(rank: Rank): boolean {
    const known = this.#known.get(rank.id)?.rank;
    return known !== undefined && known.waits === rank.waits && known.key === rank.key &&
      compareRanks(known, rank) === 0;
  }

  #put(rank: Candidate, now: number): void {
    const { waits, runAt, wait = 0, interrupted = false } = rank;
    const claimAt = wait > 0 ? (waits ? Math.max(now, runAt) : now) + wait : -Infinity;
    const order = wait > 0 && !interrupted ? claimAt : runAt;
    const entry = { rank, claimAt, order, put: this.#puts++ };
    this.#known.set(rank.id, entry);
    if (!waits || runAt <= now) return this.#open(entry, now);
    const last = this.#upcoming.addLater(entry, this.#limit);
    if (last) this.#drop(last);
  }

  /** Puts a due task into its queue. It may be left to other processes for a while. */
  #open(entry: Entry, now: number): void {
    const turns = this.#queues.turns(entry.rank.kind);
    const queue = this.#queues.of(turns, lineName(entry.rank));
    const { all, ready } = queue;
    all.add(entry);
    turns.size++;
    if (entry.claimAt > now) this.#upcoming.addLeft(entry);
    else {
      ready.add(entry);
      turns.wake(queue);
    }
    if (turns.size > this.#limit) this.#drop(turns.largest(queue).all.last!);
    else if (turns.isHeld(queue) && all.size > this.#queues.kept(turns)) this.#drop(all.last!);
  }

  /** The queue of a kind whose turn it is. */
  #front(turns: Turns, now: number, heldBy: HeldBy): KindQueue | undefined {
    for (const queue of turns.active) {
      if (!queue.ready.first && !this.#queues.gap(queue, turns, now)) {
        if (!queue.lacks) turns.rest(queue);
        continue;
      }
      const held = queue.key === undefined ? null : heldBy(turns.kind, queue.key);
      if (held === null) return queue;
      turns.hold(queue, held);
      const kept = this.#queues.kept(turns);
      while (queue.all.size > kept) this.#drop(queue.all.last!);
    }
    return undefined;
  }

  #take(entry: Entry): void {
    const turns = this.#queues.turns(entry.rank.kind);
    const { all, ready } = this.#queues.of(turns, lineName(entry.rank));
    this.#known.delete(entry.rank.id);
    if (!all.delete(entry)) this.#upcoming.deleteLater(entry);
    else {
      turns.size--;
      if (!ready.delete(entry)) this.#upcoming.deleteLeft(entry);
    }
  }

  /** Drops a task from memory for which there is no room. */
  #drop(entry: Entry): void {
    const { rank } = entry;
    this.#take(entry);
    if (rank.waits && rank.key !== undefined && rank.runAt <= this.#upcoming.now) {
      this.#onpark?.(rank);
    } else {
      const queue = this.#queues.lineQueue(rank);
      queue.lineOf(rank).note(rank);
      this.#queues.lack(queue);
      this.#onleft?.(rank);
    }
    if (rank.key !== undefined) {
      const turns = this.#queues.turns(rank.kind);
      const queue = this.#queues.of(turns, lineName(rank));
      // There is no room for so many keys either: this one is looked for again later.
      const many = turns.waiting > this.#limit && !turns.isHeld(queue);
      if (queue.all.size === 0 && many) this.#queues.forget(queue, turns);
      else this.#queues.tidy(queue, turns);
    }
  }
}
