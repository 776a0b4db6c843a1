/**
 * A queue of events for a reader. A progress event replaces the last one if both have the same
 * state, and goes to the end of the queue. The first of each state is kept, as is every other
 * event.
 */
export class EventQueue<Event> {
  readonly #stateOf: (event: Event) => string | null;
  #events: Event[] = [];
  /** The index of the last progress, −1 if it must not be replaced; and the state of the last one. */
  #progress = -1;
  #told = "";

  /** `stateOf` names the state of a progress, and returns `null` for other events. */
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

  /** Takes out the oldest events, at most `max`. */
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

/** The state of a task's progress for {@link EventQueue}: its status and attempt. */
export function stateOf({ status, attempt, cancel_requested }: {
  status: string;
  attempt: number;
  cancel_requested?: boolean;
}): string {
  return `${status} ${attempt}${status === "running" && cancel_requested ? " canceling" : ""}`;
}
