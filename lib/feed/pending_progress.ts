import type { OpenStates, PendingStates } from "../kv/pending_state.ts";
import type { TaskEvent } from "../task/event.ts";

/** The progress that was passed on and that its task's head does not have yet. */
export class PendingProgress implements PendingStates {
  readonly #events = new Map<string, TaskEvent>();
  /** Of each read that is under way: what heads have got since it began, which it may not see. */
  readonly #open = new Set<Map<string, TaskEvent>>();

  get(id: string): TaskEvent | undefined {
    return this.#events.get(id);
  }

  open(): OpenStates {
    const written = new Map<string, TaskEvent>();
    this.#open.add(written);
    return {
      get: (id) => this.#events.get(id) ?? written.get(id),
      [Symbol.dispose]: () => void this.#open.delete(written),
    };
  }

  /** Takes in what happened: whatever is not progress alone has written the head. */
  note(event: TaskEvent): void {
    const { type, id } = event;
    if (type === "progress") {
      this.#events.set(id, event);
      return;
    }
    if (this.#events.size === 0 || type === "cancel") return;
    const known = this.#events.get(id);
    if (known === undefined) return;
    this.#events.delete(id);
    for (const written of this.#open) written.set(id, known);
  }
}
