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
  /** Whether the newest progress has yet to be shown: it waits for the events before it. */
  waits = false;
  /** The progress shown last, if it is in no commit yet. */
  #shown: TaskEvent | null = null;
  /** When the oldest progress was shown that is in no commit, and that is in the one in flight. */
  #since: number | null = null;
  #storing: number | null = null;
  /** How many parts were rendered and passed on, and which was the last with something unshown. */
  #rendered = 0;
  #passed = 0;
  #untold = 0;
  /** The `seq` that the store has, and that it will have with the commit in flight. */
  #stored: number;
  #storingSeq: number;

  /** `seq` is the one that the store has. */
  constructor(seq: number) {
    this.#stored = this.#storingSeq = seq;
  }

  /** The progress shown last, if it is in no commit yet. */
  get unstored(): TaskEvent | null {
    return this.#shown;
  }

  /** Whether all rendered events of the task were passed on. */
  get level(): boolean {
    return this.#untold <= this.#passed;
  }

  /** Whether progress may be shown at once, under the next `seq`. */
  allows(seq: number, now: number): boolean {
    const age = now - (this.#storing ?? this.#since ?? now);
    // If the store takes no writes for longer, a crash would take back more than was promised. A clock
    // that was set back hides for how long.
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

  /** A part with everything up to `seq` was rendered; `tells` if some of it was not shown yet. */
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

  /** The events of one more part were passed on. */
  passed(): void {
    this.#passed++;
  }
}
