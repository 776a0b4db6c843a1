/**
 * Events that wait for a reader. Progress is state: one that tells of the same state as the last one
 * takes its place, at the end. A state's first is kept, as every other event is.
 */
export class EventQueue<Event> {
  readonly #stateOf: (event: Event) => string | null;
  #events: Event[] = [];
  /** Where the last progress is, if it may be replaced, and what state it tells of. */
  #progress = -1;
  #told = "";

  /** `stateOf` names the state that a progress tells of, and is `null` for other events. */
  constructor(stateOf: (event: Event) => string | null) {
    this.#stateOf = stateOf;
  }

  get size(): number {
    return this.#events.length;
  }

  push(event: Event): void {
    const state = this.#stateOf(event);
    if (state !== null) {
      const replaceable = state === this.#told;
      if (replaceable && this.#progress >= 0) this.#events.splice(this.#progress, 1);
      this.#told = state;
      this.#progress = replaceable ? this.#events.length : -1;
    }
    this.#events.push(event);
  }

  /** Takes out the oldest, so many at most. */
  take(max: number): Event[] {
    const taken = this.#events.splice(0, max);
    this.#progress = this.#progress < taken.length ? -1 : this.#progress - taken.length;
    return taken;
  }

  clear(): void {
    this.#events = [];
    this.#progress = -1;
    this.#told = "";
  }
}

/** What {@link EventQueue} goes by: a task's progress tells of its state and attempt. */
export function stateOf({ status, attempt, cancel_requested }: {
  status: string;
  attempt: number;
  cancel_requested?: boolean;
}): string {
  return `${status} ${attempt}${status === "running" && cancel_requested ? " canceling" : ""}`;
}
