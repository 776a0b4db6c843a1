/**
 * What a task has yet to write, in order: events, and checkpoints between them.
 *
 * @module
 */

import { eventSize } from "../kv/event_text.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Task } from "../task/state.ts";

/** The task right after a state change. */
export interface Snapshot {
  /** As it was. */
  task: Task;
  /** Its result, as JSON text, where that has yet to be written. */
  result: string | null;
}

/** An event to write. */
export interface QueuedEvent {
  event: TaskEvent;
  /** Bytes it takes among the stored rows, where it is a log or output row. */
  bytes?: number;
  /** The task as it is after it, where it is a change of state. */
  after?: Snapshot;
  /** The end, which is written in the same commit as the last message, or neither is. */
  with?: QueuedEvent;
}

/** Log and output rows, their bytes, and the outputs among them. */
export type RowCounts = Pick<Task, "rows" | "rowBytes" | "outputs" | "outputBytes">;

/** What fits into a commit. */
export interface Picked {
  count: number;
  events: TaskEvent[];
  /** The newest checkpoint among them. */
  checkpoint: string | null;
  /** That one came after every change of state among them. */
  saved: boolean;
  /** The task after the last change of state among them. */
  after: Snapshot | null;
  /** Bytes of room left. */
  left: number;
  /** Others did not fit. */
  more: boolean;
}

export class EventQueue {
  #entries: (QueuedEvent | { checkpoint: string })[] = [];

  event(entry: QueuedEvent): void {
    this.#entries.push(entry);
  }

  checkpoint(json: string): void {
    this.#entries.push({ checkpoint: json });
  }

  /** Counts the rows among them. */
  rows(): RowCounts {
    const counts = { rows: 0, rowBytes: 0, outputs: 0, outputBytes: 0 };
    for (const entry of this.#entries) {
      if (!("event" in entry) || entry.after) continue;
      const { event, bytes = 0 } = entry;
      counts.rows++;
      counts.rowBytes += bytes;
      if (event.type !== "output") continue;
      counts.outputs++;
      counts.outputBytes += bytes;
    }
    return counts;
  }

  /** What fits into `room` bytes of journal lines, from the first on. It stays where it is. */
  pick(room: number): Picked {
    const picked: Picked = {
      count: 0,
      events: [],
      checkpoint: null,
      saved: false,
      after: null,
      left: room,
      more: false,
    };
    for (const entry of this.#entries) {
      if ("checkpoint" in entry) {
        picked.checkpoint = entry.checkpoint;
        picked.saved = true;
      } else {
        const size = eventSize(entry.event);
        if (size + (entry.with ? eventSize(entry.with.event) : 0) > picked.left) break;
        picked.left -= size;
        picked.events.push(entry.event);
        if (entry.after) {
          picked.after = entry.after;
          picked.saved = false;
        }
      }
      picked.count++;
    }
    picked.more = picked.count < this.#entries.length;
    return picked;
  }

  drop(count: number): void {
    this.#entries.splice(0, count);
  }
}
