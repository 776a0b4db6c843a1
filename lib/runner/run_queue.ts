/**
 * Pending tasks in the order in which they should run, as far as they are in memory: for each kind
 * the first ones in the store, and of those that wait for a time the ones due first. It knows where
 * the rest begin, which only the store has, so that nothing is taken before what comes first.
 *
 * @module
 */

import { type Candidate, compareReady, type Entry, type KindQueue } from "./kind_queue.ts";
import type { Line } from "./line.ts";
import {
  compareIds,
  compareRanks,
  firstRank,
  lineName,
  lineOfName,
  type Rank,
} from "../kv/rank.ts";
import { Sorted } from "./sorted.ts";
import { Turns } from "./turns.ts";

export type { Candidate };

export interface RunQueueOptions {
  /** Tasks in memory a kind, and as many that are not due yet. @default {10_000} */
  limit?: number;
  /** Fewer of a kind are few: then more are read. @default {2000} */
  few?: number;
  /** A task was let go of: the store has it, or will have. */
  onleft?(candidate: Candidate): void;
  /**
   * A task whose time has come was let go of as its key is at its limit: it must not stay in the way of
   * those with other keys that come behind it.
   */
  onpark?(candidate: Candidate): void;
}

/**
 * What keeps tasks with a key from running, which {@link RunQueue.release} takes; `null` for nothing.
 * Without a key, what keeps all of the kind: where that is so, its keys are not asked about one by one.
 */
export type HeldBy = (kind: string, key: string | undefined) => string | null;

/** Tasks of a key that stands aside that stay in memory; and of one with a few, more are read. */
const KEPT = 100;
const FEW_OF_KEY = 20;

/** Lines that are read at once, at most, and keys looked for. */
const READS = 16;

export class RunQueue {
  readonly #limit: number;
  readonly #few: number;
  readonly #onleft: ((candidate: Candidate) => void) | undefined;
  readonly #onpark: ((candidate: Candidate) => void) | undefined;
  readonly #known = new Map<string, Entry>();
  readonly #kinds = new Map<string, Turns>();
  /** Queues of which the store may have more. */
  readonly #lacking = new Set<KindQueue>();
  readonly #later = new Sorted<Entry>((a, b) =>
    a.rank.runAt - b.rank.runAt || compareIds(a.rank, b.rank)
  );
  /** Due, but left to others for now. */
  readonly #others = new Sorted<Entry>((a, b) =>
    a.claimAt - b.claimAt || compareIds(a.rank, b.rank)
  );
  /** What is being read, and how many entries were put here before. */
  readonly #reading = new Map<Line<Candidate>, number>();
  #puts = 0;
  #now = -Infinity;

  /** Holds nothing, and takes what it is told of for all there is. */
  constructor({ limit = 10_000, few = 2000, onleft, onpark }: RunQueueOptions = {}) {
    this.#limit = limit;
    this.#few = few;
    this.#onleft = onleft;
    this.#onpark = onpark;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Adds a task; the newer word counts on one that is here already: it may have been retried. */
  add(candidate: Candidate, now: number): void {
    const { id, live } = candidate;
    if (this.#holds(candidate)) {
      if (live) this.#known.get(id)!.rank.live = live;
      return;
    }
    this.remove(id);
    const queue = this.#lineQueue(candidate);
    const line = queue.lineOf(candidate);
    if (line.hasBefore(candidate)) this.#put(candidate, now);
    else if (!line.hold(candidate, this.#limit)) this.#onleft?.(candidate);
  }

  /** Takes a task out: it is no longer pending. */
  remove(id: string): void {
    const known = this.#known.get(id);
    if (known) {
      this.#take(known);
      const turns = this.#turns(known.rank.kind);
      this.#tidy(this.#queue(turns, lineName(known.rank)), turns);
    }
    for (const line of this.#reading.keys()) line.forget(id);
  }

  /** The store has a task that is not here. Returns whether that is news. */
  note(rank: Rank): boolean {
    if (this.#holds(rank)) return false;
    const queue = this.#lineQueue(rank);
    const news = queue.lineOf(rank).note(rank);
    this.#lack(queue);
    return news;
  }

  /** Takes out the task that should run next among the kinds that may, of which so many wait here. */
  next(
    now: number,
    mayRun: (kind: string, waiting: number) => boolean,
    heldBy: HeldBy = () => null,
  ): Candidate | null {
    this.#advance(now);
    let best: Entry | undefined;
    const gaps: [KindQueue, Rank][] = [];
    for (const [kind, turns] of this.#kinds) {
      if (turns.waiting === 0 || heldBy(kind, undefined) !== null) continue;
      const queue = this.#front(turns, now, heldBy);
      if (!queue) continue;
      queue.blocked = false;
      const gap = this.#gap(queue, turns, now)?.missing;
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
    const turns = this.#turns(best.rank.kind);
    const queue = this.#queue(turns, lineName(best.rank));
    this.#take(best);
    turns.turn(queue);
    this.#tidy(queue, turns);
    return best.rank;
  }

  /** Those that were held by this may have their turn. */
  release(kind: string, by: string): void {
    this.#kinds.get(kind)?.release(by);
  }

  /** The store may have tasks of a kind with keys that nobody here knows. */
  lookForKeys(kind: string): void {
    this.#turns(kind).unknown ??= "";
  }

  /** Kinds whose keys are to be looked for now, behind the queue of which name: see {@link RunQueue.foundKeys}. */
  wantedKeys(): [kind: string, after: string][] {
    const wanted: [string, string][] = [];
    for (const turns of this.#kinds.values()) {
      const { kind, unknown, reading, waiting } = turns;
      // Those that stand aside leave others to be found.
      if (unknown === null || reading || 2 * waiting > this.#limit) continue;
      turns.reading = true;
      wanted.push([kind, unknown]);
    }
    return wanted;
  }

  /**
   * The first task of each key that was found, with the one behind it; and behind which name others may
   * be, `null` for none. As a rule there are many keys where each has few: then that is all of it.
   */
  foundKeys(
    kind: string,
    found: readonly { first: Candidate; next: Rank | null }[],
    next: string | null,
    now: number,
  ): void {
    const turns = this.#turns(kind);
    turns.reading = false;
    turns.unknown = next ?? (turns.forgot ? "" : null);
    if (next === null) turns.forgot = false;
    for (const { first, next } of found) {
      const name = lineName(first);
      // Something came meanwhile, before which there may be others: it is read.
      if (turns.queues.has(name)) this.note(first);
      else {
        turns.of(name);
        this.add(first, now);
        if (next) this.note(next);
      }
    }
  }

  /** Lines of which more should be read now, one a kind: see {@link RunQueue.begin}. */
  wanted(now: number): Line<Candidate>[] {
    const wanted: Line<Candidate>[] = [];
    for (const queue of this.#lacking) {
      if (wanted.length === READS) break;
      const turns = this.#turns(queue.kind);
      if (!queue.lacks) {
        this.#lacking.delete(queue);
        this.#tidy(queue, turns);
        continue;
      }
      const few = queue.key === undefined ? this.#few : Math.min(FEW_OF_KEY, this.#few);
      if ((!queue.blocked && queue.all.size >= few) || turns.isHeld(queue)) continue;
      const line = this.#gap(queue, turns, now);
      if (line && !line.reading) wanted.push(line);
    }
    return wanted;
  }

  /** A line is being read, from what is returned on. */
  begin(line: Line<Candidate>): Rank {
    this.#reading.set(line, this.#puts);
    return line.begin();
  }

  /** What was read of a line, and the first task behind it; `null` where there is none. */
  end(line: Line<Candidate>, found: readonly Candidate[], next: Rank | null, now: number): void {
    const before = this.#reading.get(line)!;
    this.#reading.delete(line);
    const { kind } = lineOfName(line.queue);
    const turns = this.#turns(kind);
    const queue = this.#queue(turns, line.queue);
    queue.blocked = false;
    const held = line.end(next);
    this.#lack(queue);
    for (const candidate of found) {
      const known = this.#known.get(candidate.id);
      // What was told of a task since then is newer than what was read.
      if (!known || known.put < before) this.add(candidate, now);
    }
    for (const candidate of held) this.add(candidate, now);
    this.#tidy(queue, turns);
  }

  fail(line: Line<Candidate>, now: number): void {
    this.end(line, [], line.missing, now);
  }

  /**
   * When there may be more to take, or to read: after `now`, or now where that is so since somebody last
   * looked; `null` for never.
   */
  nextChange(now: number): number | null {
    if (this.#advance(now)) return now;
    let at = Math.min(
      this.#later.first?.rank.runAt ?? Infinity,
      this.#others.first?.claimAt ?? Infinity,
    );
    for (const { lines } of this.#lacking) {
      for (const { waits, missing } of lines) {
        if (waits && missing && missing.runAt > now) at = Math.min(at, missing.runAt);
      }
    }
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
    this.#later.add(entry);
    if (this.#later.size > this.#limit) this.#drop(this.#later.last!);
  }

  /** A task need not be left to other processes any longer. */
  #open(entry: Entry, now: number): void {
    const turns = this.#turns(entry.rank.kind);
    const queue = this.#queue(turns, lineName(entry.rank));
    const { all, ready } = queue;
    all.add(entry);
    turns.size++;
    if (entry.claimAt > now) this.#others.add(entry);
    else {
      ready.add(entry);
      turns.wake(queue);
    }
    if (turns.size > this.#limit) this.#drop(turns.largest(queue).all.last!);
    else if (turns.isHeld(queue) && all.size > this.#kept(turns)) this.#drop(all.last!);
  }

  /** Lets the clock go on. Returns whether something may be taken that could not before. */
  #advance(now: number): boolean {
    let opened = false;
    while (this.#later.size > 0 && this.#later.first!.rank.runAt <= now) {
      this.#open(this.#later.shift()!, now);
      opened = true;
    }
    // A clock that was set back must not leave a task to others for longer than it should.
    const all = now < this.#now;
    this.#now = now;
    while (this.#others.size > 0 && (all || this.#others.first!.claimAt <= now)) {
      const entry = this.#others.shift()!;
      const turns = this.#turns(entry.rank.kind);
      const queue = this.#queue(turns, lineName(entry.rank));
      queue.ready.add(entry);
      turns.wake(queue);
      opened = true;
    }
    return opened;
  }

  /** Whose turn it is of a kind's queues. */
  #front(turns: Turns, now: number, heldBy: HeldBy): KindQueue | undefined {
    for (const queue of turns.active) {
      if (!queue.ready.first && !this.#gap(queue, turns, now)) {
        if (!queue.lacks) turns.rest(queue);
        continue;
      }
      const held = queue.key === undefined ? null : heldBy(turns.kind, queue.key);
      if (held === null) return queue;
      turns.hold(queue, held);
      const kept = this.#kept(turns);
      while (queue.all.size > kept) this.#drop(queue.all.last!);
    }
    return undefined;
  }

  /** How many of a key that stands aside stay in memory: others need the room. */
  #kept(turns: Turns): number {
    return 2 * turns.size > this.#limit ? 0 : KEPT;
  }

  /** See {@link KindQueue.gap}: other keys take of the room, too. */
  #gap(queue: KindQueue, turns: Turns, now: number): Line<Candidate> | undefined {
    const others = turns.size - queue.all.size;
    const least = queue.key === undefined ? 0 : 1;
    return queue.gap(now, Math.max(least, this.#limit - others));
  }

  #take(entry: Entry): void {
    const turns = this.#turns(entry.rank.kind);
    const { all, ready } = this.#queue(turns, lineName(entry.rank));
    this.#known.delete(entry.rank.id);
    if (!all.delete(entry)) this.#later.delete(entry);
    else {
      turns.size--;
      if (!ready.delete(entry)) this.#others.delete(entry);
    }
  }

  /** Lets go of one for which there is no room. */
  #drop(entry: Entry): void {
    const { rank } = entry;
    this.#take(entry);
    if (rank.waits && rank.key !== undefined && rank.runAt <= this.#now) {
      this.#onpark?.(rank);
    } else {
      const queue = this.#lineQueue(rank);
      queue.lineOf(rank).note(rank);
      this.#lack(queue);
      this.#onleft?.(rank);
    }
    if (rank.key !== undefined) {
      const turns = this.#turns(rank.kind);
      const queue = this.#queue(turns, lineName(rank));
      // So many keys have no room either: they are looked for again.
      const many = turns.waiting > this.#limit && !turns.isHeld(queue);
      if (queue.all.size === 0 && many) this.#forget(queue, turns);
      else this.#tidy(queue, turns);
    }
  }

  #lack(queue: KindQueue): void {
    if (!queue.lacks) return;
    this.#lacking.add(queue);
    this.#turns(queue.kind).wake(queue);
  }

  /** Lets go of a key of which there is nothing. */
  #tidy(queue: KindQueue, turns: Turns): void {
    if (queue.key === undefined || queue.all.size > 0 || queue.lacks) return;
    turns.forget(queue);
    this.#lacking.delete(queue);
  }

  #forget(queue: KindQueue, turns: Turns): void {
    for (const { reading } of queue.lines) if (reading) return;
    turns.forget(queue);
    this.#lacking.delete(queue);
    if (turns.unknown === null) turns.unknown = "";
    else turns.forgot = true;
  }

  /** The queue in whose line a task stands: those that wait for a time lie together. */
  #lineQueue(rank: Rank): KindQueue {
    const turns = this.#turns(rank.kind);
    return this.#queue(turns, rank.waits ? rank.kind : lineName(rank));
  }

  #queue(turns: Turns, name: string): KindQueue {
    const known = turns.queues.get(name);
    if (known) return known;
    const queue = turns.of(name);
    // The store may have others of this key, which nobody has looked for yet.
    if (queue.key !== undefined && turns.unknown !== null) {
      const first = firstRank(name);
      queue.lineOf(first).note(first);
      this.#lack(queue);
    }
    return queue;
  }

  #turns(kind: string): Turns {
    let turns = this.#kinds.get(kind);
    if (!turns) this.#kinds.set(kind, turns = new Turns(kind));
    return turns;
  }
}
