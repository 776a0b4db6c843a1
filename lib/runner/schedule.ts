/**
 * Pending tasks in the order in which they should run, as far as they are in memory: for each kind
 * the head of what the store holds, and of those that wait for a time the ones due first. It knows
 * from where on the store holds more, so nothing is taken out before what stands ahead of it.
 *
 * @module
 */

import { type Candidate, compareReady, type Entry, KindQueue } from "./kind_queue.ts";
import type { Line } from "./line.ts";
import { compareIds, compareRanks, type Rank } from "../kv/rank.ts";
import { Sorted } from "./sorted.ts";

export type { Candidate };

export interface ScheduleOptions {
  /** Tasks in memory a kind, and as many that are not due yet. @default {10_000} */
  limit?: number;
  /** Fewer of a kind are few: then more are read. @default {2000} */
  few?: number;
  /** A task was let go of: the store has it, or will have. */
  onleft?(candidate: Candidate): void;
}

export class Schedule {
  readonly #limit: number;
  readonly #few: number;
  readonly #onleft: ((candidate: Candidate) => void) | undefined;
  readonly #known = new Map<string, Entry>();
  readonly #kinds = new Map<string, KindQueue>();
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
  constructor({ limit = 10_000, few = 2000, onleft }: ScheduleOptions = {}) {
    this.#limit = limit;
    this.#few = few;
    this.#onleft = onleft;
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
    const line = this.#kind(candidate).lineOf(candidate);
    if (line.hasBefore(candidate)) this.#put(candidate, now);
    else if (!line.hold(candidate, this.#limit)) this.#onleft?.(candidate);
  }

  /** Takes a task out: it is no longer pending. */
  remove(id: string): void {
    const known = this.#known.get(id);
    if (known) this.#take(known);
    for (const line of this.#reading.keys()) line.forget(id);
  }

  /** The store has a task that is not here. Returns whether that is news. */
  note(rank: Rank): boolean {
    return !this.#holds(rank) && this.#kind(rank).lineOf(rank).note(rank);
  }

  /** Takes out the task that should run next among the kinds that may, of which so many wait here. */
  next(now: number, mayRun: (kind: string, waiting: number) => boolean): Candidate | null {
    this.#advance(now);
    let best: Entry | undefined;
    const gaps: [KindQueue, Rank][] = [];
    for (const [kind, queue] of this.#kinds) {
      queue.blocked = false;
      const gap = queue.gap(now, this.#limit)?.missing;
      const { first } = queue.ready;
      const better = first && (!best || compareReady(first, best) < 0);
      if ((!gap && !better) || !mayRun(kind, queue.ready.size)) continue;
      if (better) best = first;
      if (gap) gaps.push([queue, gap]);
    }
    let blocked = false;
    for (const [queue, gap] of gaps) {
      if (!best || compareRanks(gap, best.rank) < 0) queue.blocked = blocked = true;
    }
    if (!best || blocked) return null;
    this.#take(best);
    return best.rank;
  }

  /** Lines of which more should be read now, one a kind: see {@link Schedule.begin}. */
  wanted(now: number): Line<Candidate>[] {
    const wanted: Line<Candidate>[] = [];
    for (const queue of this.#kinds.values()) {
      if (!queue.blocked && queue.all.size >= this.#few) continue;
      const line = queue.gap(now, this.#limit);
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
    this.#kind(line).blocked = false;
    const held = line.end(next);
    for (const candidate of found) {
      const known = this.#known.get(candidate.id);
      // What was told of a task since then is newer than what was read.
      if (!known || known.put < before) this.add(candidate, now);
    }
    for (const candidate of held) this.add(candidate, now);
  }

  fail(line: Line<Candidate>, now: number): void {
    this.end(line, [], line.missing, now);
  }

  /** When there may be more to take, or to read: after `now`; `null` for never. */
  nextChange(now: number): number | null {
    this.#advance(now);
    let at = Math.min(
      this.#later.first?.rank.runAt ?? Infinity,
      this.#others.first?.claimAt ?? Infinity,
    );
    for (const { lines } of this.#kinds.values()) {
      for (const { waits, missing } of lines) {
        if (waits && missing && missing.runAt > now) at = Math.min(at, missing.runAt);
      }
    }
    return at === Infinity ? null : at;
  }

  #holds(rank: Rank): boolean {
    const known = this.#known.get(rank.id)?.rank;
    return known !== undefined && known.waits === rank.waits && compareRanks(known, rank) === 0;
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
    const { all, ready } = this.#kind(entry.rank);
    all.add(entry);
    if (entry.claimAt > now) this.#others.add(entry);
    else ready.add(entry);
    if (all.size > this.#limit) this.#drop(all.last!);
  }

  #advance(now: number): void {
    while (this.#later.size > 0 && this.#later.first!.rank.runAt <= now) {
      this.#open(this.#later.shift()!, now);
    }
    // A clock that was set back must not leave a task to others for longer than it should.
    const all = now < this.#now;
    this.#now = now;
    while (this.#others.size > 0 && (all || this.#others.first!.claimAt <= now)) {
      const entry = this.#others.shift()!;
      this.#kind(entry.rank).ready.add(entry);
    }
  }

  #take(entry: Entry): void {
    const { all, ready } = this.#kind(entry.rank);
    this.#known.delete(entry.rank.id);
    if (!all.delete(entry)) this.#later.delete(entry);
    else if (!ready.delete(entry)) this.#others.delete(entry);
  }

  /** Lets go of one for which there is no room. */
  #drop(entry: Entry): void {
    this.#take(entry);
    this.#kind(entry.rank).lineOf(entry.rank).note(entry.rank);
    this.#onleft?.(entry.rank);
  }

  #kind({ kind }: { kind: string }): KindQueue {
    let queue = this.#kinds.get(kind);
    if (!queue) this.#kinds.set(kind, queue = new KindQueue());
    return queue;
  }
}
