/**
 * When a task's progress is shown. It is state, of which the newest counts: it is shown as soon as
 * it comes and stored soon after. If events of the task wait for their commit, those are shown
 * first, so that ids never run backwards.
 *
 * @module
 */

import type { TaskEvent } from "../task/event.ts";
import { SEQ_GAP } from "../task/limits.ts";

/** Milliseconds within which progress that was shown is stored. */
export const STORE_STATE_WITHIN_MS = 250;

export class ShownProgress {
  /** The newest was not shown yet: it waits for the events before it. */
  waits = false;
  /** What was shown last and is in no commit yet. */
  #shown: TaskEvent | null = null;
  /** When the oldest was shown that is in no commit, and in the one under way. */
  #since: number | null = null;
  #storing: number | null = null;
  /** Parts rendered and passed on, and the last of them that tells what was not shown before. */
  #rendered = 0;
  #passed = 0;
  #untold = 0;
  /** The `seq` that the store has, and will have with the commit under way. */
  #stored: number;
  #storingSeq: number;

  /** Takes the `seq` that the store has. */
  constructor(seq: number) {
    this.#stored = this.#storingSeq = seq;
  }

  /** What was shown last and is in no commit yet. */
  get unstored(): TaskEvent | null {
    return this.#shown;
  }

  /** Whether all events of the task that were rendered were passed on. */
  get level(): boolean {
    return this.#untold <= this.#passed;
  }

  /** Whether progress may be shown at once, under the next `seq`. */
  allows(seq: number, now: number): boolean {
    const age = now - (this.#storing ?? this.#since ?? now);
    // Where the store takes nothing, a crash would take back more than was promised: also where nobody
    // knows for how long, as the clock was set back.
    const fresh = age >= 0 && age < STORE_STATE_WITHIN_MS;
    return this.level && fresh && seq < this.#stored + SEQ_GAP;
  }

  /** @returns Whether it is the first that waits to be stored. */
  show(event: TaskEvent, now: number): boolean {
    this.waits = false;
    this.#shown = event;
    if (this.#since !== null) return false;
    this.#since = now;
    return true;
  }

  /** A part was rendered with all of it up to `seq`; `tells` where it has what was not shown yet. */
  render(seq: number, tells: boolean): void {
    this.#rendered++;
    if (tells) this.#untold = this.#rendered;
    this.#storing = this.#since;
    this.#storingSeq = Math.max(this.#storingSeq, seq);
    this.#since = this.#shown = null;
  }

  /** The part rendered last is stored. */
  stored(): void {
    this.#storing = null;
    this.#stored = this.#storingSeq;
  }

  /** What one more part tells was passed on. */
  passed(): void {
    this.#passed++;
  }
}
