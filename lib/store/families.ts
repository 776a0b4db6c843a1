/**
 * Looks after tasks that have children: updates a parent's counts, resumes it when all children
 * have ended, gives the next child its turn, and cancels children whose results are no longer
 * needed.
 *
 * Each process that writes a change of a child or of its parent looks after the parent once that
 * change is committed. If the last child ends while the parent begins to wait, the later of the two
 * commits is followed by a look that sees both, whichever processes they are from.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { Semaphore } from "../base/semaphore.ts";
import { Timer } from "../base/timer.ts";
import { StoreError } from "./store_error.ts";
import type { LiveTask } from "./live_task.ts";
import { isFinished } from "../task/record.ts";

export interface FamiliesOptions {
  /** Looks after one parent. Returns whether to look again soon even if nothing changes. */
  look(parent: string): Promise<boolean>;
  log: Logger;
}

/** Least milliseconds between two looks after one parent. */
const GAP_MS = 100;

/**
 * Each look reads all children, so the next one waits this many times what it took, up to `MAX_GAP_MS`
 * but no less than what it took: children may wait for their turn.
 */
const GAP_LOOKS = 20;
const MAX_GAP_MS = 1000;

/** Milliseconds until the next look at the progress of running children. */
const PROGRESS_MS = 1000;

/** Milliseconds until a look that failed is tried again. */
const RETRY_MS = 1000;

/** Parents looked after at once. */
const AT_ONCE = 4;

interface Family {
  readonly timer: Timer;
  /** When the next look may begin, in milliseconds of `performance.now()`. */
  nextAt: number;
  state: "rests" | "is due" | "is looked after" | "is looked after, and changed";
}

export class Families {
  readonly #options: FamiliesOptions;
  readonly #families = new Map<string, Family>();
  readonly #looks = new Semaphore(AT_ONCE);
  readonly #under = new Set<Promise<void>>();
  #closed = false;

  constructor(options: FamiliesOptions) {
    this.#options = options;
  }

  /** A change of a task's state was written. */
  moved({ id, record, task: { child, children } }: LiveTask): void {
    if (child) this.touch(child.parent);
    // A later run finds its children made, so maybe none of them changes any more: look now.
    const ended = children !== undefined && isFinished(record.status);
    if (ended || record.waiting_for?.type === "children") this.touch(id);
  }

  /** Schedules a look: the parent or one of its children changed. */
  touch(parent: string): void {
    if (this.#closed) return;
    let family = this.#families.get(parent);
    if (!family) {
      family = { timer: new Timer(), nextAt: 0, state: "rests" };
      this.#families.set(parent, family);
    }
    if (family.state === "rests") this.#schedule(parent, family);
    else if (family.state === "is looked after") family.state = "is looked after, and changed";
  }

  /** Starts no more looks. Resolves when those under way are over. */
  async stop(): Promise<void> {
    this.close();
    await Promise.all(this.#under);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#families.values()) timer.clear();
    this.#families.clear();
  }

  #schedule(parent: string, family: Family): void {
    family.state = "is due";
    family.timer.set(Math.max(0, family.nextAt - performance.now()), () => {
      const looking = this.#looks.run(() => this.#look(parent, family))
        .finally(() => this.#under.delete(looking));
      this.#under.add(looking);
    });
  }

  async #look(parent: string, family: Family): Promise<void> {
    if (this.#closed) return;
    family.state = "is looked after";
    const began = performance.now();
    let gap = 0;
    let again = false;
    try {
      again = await this.#options.look(parent);
    } catch (error) {
      if (this.#closed) return;
      // That the store takes no writes is reported elsewhere.
      if (!(error instanceof StoreError)) {
        this.#options.log.warn("a task's children could not be updated", { parent, error });
      }
      family.state = "is looked after, and changed";
      gap = RETRY_MS;
    }
    if (this.#closed) return;
    const took = performance.now() - began;
    gap = Math.max(gap, GAP_MS, took, Math.min(MAX_GAP_MS, GAP_LOOKS * took));
    family.nextAt = performance.now() + gap;
    if ((family.state as Family["state"]) === "is looked after, and changed") {
      return this.#schedule(parent, family);
    }
    family.state = "rests";
    // It is forgotten after the gap, since another process may be the one that sees its end.
    family.timer.set(again ? Math.max(gap, PROGRESS_MS) : gap, () => {
      if (again) this.touch(parent);
      else this.#families.delete(parent);
    });
  }
}
