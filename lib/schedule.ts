/**
 * Pending tasks in the order they should run, as far as they are in memory: a queue a kind, so that
 * a kind at its limit holds up no other, and one for those that are not due yet.
 *
 * @module
 */

import TinyQueue from "tinyqueue";
import type { LiveTask } from "./live_task.ts";

/** A pending task. */
export interface Candidate {
  /** ULID. */
  id: string;
  /** Its kind. */
  kind: string;
  /** Higher runs first. */
  priority: number;
  /** Not before this time, milliseconds. */
  runAt: number;
  /** Not claimed by this process before this time, milliseconds. @default {runAt} */
  claimAt?: number;
  /** Its state, where this process has it. */
  live?: LiveTask;
}

/** Candidates in memory a kind, and not yet due: the others stay in the store until there is room. */
export const SCHEDULE_LIMIT = 10_000;

function claimAt(candidate: Candidate): number {
  return candidate.claimAt ?? candidate.runAt;
}

/**
 * Higher priority first, then who may be claimed for longest: tasks whose turn is here go before
 * those that others should have taken by now, and may be about to.
 */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || claimAt(a) - claimAt(b) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** See the module. Does no I/O. */
export class Schedule {
  readonly #limit: number;
  /** The newest word on each; entries of the queues that are not it are passed over. */
  readonly #known = new Map<string, Candidate>();
  readonly #due = new Map<string, TinyQueue<Candidate>>();
  readonly #later = new TinyQueue<Candidate>([], (a, b) => claimAt(a) - claimAt(b));
  /** Kinds of which the store holds more than is here; `""` stands for those not due. */
  readonly overflowed = new Set<string>();

  /** Holds at most `limit` candidates a kind. */
  constructor(limit: number = SCHEDULE_LIMIT) {
    this.#limit = limit;
  }

  /** Tasks here. */
  get size(): number {
    return this.#known.size;
  }

  /** Tasks of a kind that are due here. */
  sizeOf(kind: string): number {
    return this.#due.get(kind)?.length ?? 0;
  }

  /** Whether a task is here. */
  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Adds a task; the newer word counts on one that is here already: it may have been retried. */
  add(candidate: Candidate, now: number): void {
    const { id, priority, runAt, live } = candidate;
    const known = this.#known.get(id);
    if (known && known.priority === priority && known.runAt === runAt) {
      if (live) known.live = live;
      return;
    }
    this.#known.delete(id);
    if (claimAt(candidate) > now) {
      if (this.#later.length >= this.#limit) return void this.overflowed.add("");
      this.#later.push(candidate);
    } else if (!this.#addDue(candidate)) {
      return;
    }
    this.#known.set(id, candidate);
  }

  /** Takes a task out: it is no longer pending. */
  remove(id: string): void {
    // Lazily: its queue entry is passed over when it comes up.
    this.#known.delete(id);
  }

  /** Takes the task that should run next among the kinds that may. */
  next(now: number, mayRun: (kind: string) => boolean): Candidate | null {
    this.#advance(now);
    let best: TinyQueue<Candidate> | null = null;
    for (const [kind, queue] of this.#due) {
      while (queue.length > 0 && !this.#counts(queue.peek()!)) queue.pop();
      if (queue.length === 0) {
        this.#due.delete(kind);
      } else if (mayRun(kind) && (!best || compareCandidates(queue.peek()!, best.peek()!) < 0)) {
        best = queue;
      }
    }
    const candidate = best?.pop() ?? null;
    if (candidate) this.#known.delete(candidate.id);
    return candidate;
  }

  /** When the first task that is not due will be; `null` when there is none. */
  nextDue(): number | null {
    while (this.#later.length > 0 && !this.#counts(this.#later.peek()!)) this.#later.pop();
    const next = this.#later.peek();
    return next ? claimAt(next) : null;
  }

  #counts(candidate: Candidate): boolean {
    return this.#known.get(candidate.id) === candidate;
  }

  #advance(now: number): void {
    while (this.#later.length > 0 && claimAt(this.#later.peek()!) <= now) {
      const candidate = this.#later.pop()!;
      if (!this.#counts(candidate)) continue;
      if (!this.#addDue(candidate)) this.#known.delete(candidate.id);
    }
  }

  #addDue(candidate: Candidate): boolean {
    const { kind } = candidate;
    let queue = this.#due.get(kind);
    if (!queue) this.#due.set(kind, queue = new TinyQueue<Candidate>([], compareCandidates));
    if (queue.length >= this.#limit) {
      this.overflowed.add(kind);
      return false;
    }
    queue.push(candidate);
    return true;
  }
}
