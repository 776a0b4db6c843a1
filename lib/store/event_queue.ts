/**
 * The events of a task that have yet to be written, in order.
 *
 * @module
 */

import { eventSize } from "../kv/event_text.ts";
import { isChange, type TaskEvent } from "../task/event.ts";
import type { Task } from "../task/task.ts";
import type { Part } from "./write.ts";

/** Most characters of a checkpoint in the journal; a larger one goes into its own key at once. */
const MAX_CHECKPOINT = 2048;

/** Most events with parts in one commit: each adds some keys to it. */
const MAX_PARTS = 32;

/** Once the parts write so many bytes, further events wait for the next commit. */
const MAX_PART_BYTES = 256 * 1024;

export interface QueuedEvent {
  event: TaskEvent;
  /** The task right after it: the head to store if this is the last event written. */
  after: Task;
  /** The result as JSON text, if the event is the end of a task that has one. */
  result?: string | null;
  /** What is written in the same commit. */
  part?: Part;
  /** The `complete` event that has to be in the same commit as this `message`. */
  with?: QueuedEvent;
}

/** The events that fit into a commit. */
export interface Picked {
  count: number;
  /** In order; of several checkpoints only the newest. */
  events: TaskEvent[];
  /** The last one that was picked; `null` for none. */
  last: QueuedEvent | null;
  /** What is written with them. */
  parts: Part[];
  /**
   * They cannot be in the journal alone: the state changed, a checkpoint is large, or something is
   * written with them.
   */
  heavy: boolean;
  /** Bytes of room left. */
  left: number;
  /** Others did not fit. */
  more: boolean;
}

export class EventQueue {
  #entries: QueuedEvent[] = [];

  get size(): number {
    return this.#entries.length;
  }

  push(entry: QueuedEvent): void {
    this.#entries.push(entry);
  }

  /** Picks the first events, as many as fit into `room` bytes of journal lines; they stay queued. */
  pick(room: number): Picked {
    const picked: Picked = {
      count: 0,
      events: [],
      last: null,
      parts: [],
      heavy: false,
      left: room,
      more: false,
    };
    let saved = -1;
    let written = 0;
    for (const entry of this.#entries) {
      const { event } = entry;
      const checkpoint = event.type === "checkpoint";
      const size = sizeOf(event);
      if (size + (entry.with ? eventSize(entry.with.event) : 0) > picked.left) break;
      if (picked.parts.length === MAX_PARTS || written >= MAX_PART_BYTES) break;
      picked.left -= size;
      if (checkpoint) {
        if (saved >= 0) picked.left += sizeOf(picked.events.splice(saved, 1)[0]!);
        saved = picked.events.length;
      }
      picked.heavy ||= isChange(event.type) || (checkpoint && isLarge(event)) ||
        entry.part !== undefined;
      if (entry.part) {
        picked.parts.push(entry.part);
        for (const [, , bytes] of entry.part.sets ?? []) written += bytes;
      }
      picked.events.push(event);
      picked.last = entry;
      picked.count++;
    }
    picked.more = picked.count < this.#entries.length;
    return picked;
  }

  /** Applies a change to the task as it is after each event. */
  revise(change: (task: Task) => Task): void {
    for (const entry of this.#entries) entry.after = change(entry.after);
  }

  drop(count: number): void {
    this.#entries.splice(0, count);
  }
}

function isLarge({ json }: TaskEvent): boolean {
  return json.length > MAX_CHECKPOINT;
}

/** Bytes of the event's line in the journal, which has none of a large checkpoint. */
function sizeOf(event: TaskEvent): number {
  return event.type === "checkpoint" && isLarge(event) ? 0 : eventSize(event);
}
