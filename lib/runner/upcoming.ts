import { compareIds } from "../kv/rank.ts";
import type { Entry } from "./kind_queue.ts";
import { Sorted } from "./sorted.ts";

export interface UpcomingOptions {
  /** A task became due, and is no longer here. */
  ondue(entry: Entry, now: number): void;
  /** A due task is left to other processes no longer, and is no longer here. */
  onclaimable(entry: Entry): void;
}

/** The tasks in memory whose time to be taken has not come. */
export class Upcoming {
  /** Tasks that are not due. */
  readonly #later = new Sorted<Entry>((a, b) =>
    a.rank.runAt - b.rank.runAt || compareIds(a.rank, b.rank)
  );
  /** Due tasks that are left to other processes for now. */
  readonly #others = new Sorted<Entry>((a, b) =>
    a.claimAt - b.claimAt || compareIds(a.rank, b.rank)
  );
  readonly #options: UpcomingOptions;
  #now = -Infinity;

  constructor(options: UpcomingOptions) {
    this.#options = options;
  }

  /** The time of the last {@link Upcoming.advance}. */
  get now(): number {
    return this.#now;
  }

  /** When the first of them may be taken, in milliseconds since the epoch; `Infinity` for never. */
  get next(): number {
    const due = this.#later.first?.rank.runAt ?? Infinity;
    return Math.min(due, this.#others.first?.claimAt ?? Infinity);
  }

  /** Adds a task that is not due. Returns the last one to come if there are more than `limit`. */
  addLater(entry: Entry, limit: number): Entry | undefined {
    this.#later.add(entry);
    return this.#later.size > limit ? this.#later.last : undefined;
  }

  /** Adds a due task that is left to other processes until its `claimAt`. */
  addLeft(entry: Entry): void {
    this.#others.add(entry);
  }

  deleteLater(entry: Entry): void {
    this.#later.delete(entry);
  }

  deleteLeft(entry: Entry): void {
    this.#others.delete(entry);
  }

  /** Moves the clock to `now`. Returns whether a task may be taken that could not before. */
  advance(now: number): boolean {
    let any = false;
    while (this.#later.size > 0 && this.#later.first!.rank.runAt <= now) {
      this.#options.ondue(this.#later.shift()!, now);
      any = true;
    }
    // A clock that was set back must not leave a task to others for longer than it should.
    const all = now < this.#now;
    this.#now = now;
    while (this.#others.size > 0 && (all || this.#others.first!.claimAt <= now)) {
      this.#options.onclaimable(this.#others.shift()!);
      any = true;
    }
    return any;
  }
}
