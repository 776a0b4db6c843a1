import type { PendingStates } from "../kv/pending_state.ts";
import type { TaskEvent } from "../task/event.ts";

/** The progress that was passed on and that its task's head does not have yet. */
export class PendingProgress implements PendingStates {
  readonly #events = new Map<string, TaskEvent>();

  get(id: string): TaskEvent | undefined {
    return this.#events.get(id);
  }

  /** Takes in what happened: whatever is not progress alone has written the head. */
  note(event: TaskEvent): void {
    if (event.type === "progress") this.#events.set(event.id, event);
    else if (this.#events.size > 0 && event.type !== "cancel") this.#events.delete(event.id);
  }
}
