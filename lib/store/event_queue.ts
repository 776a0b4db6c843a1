/**
 * The events of a task that have yet to be written, in order.
 *
 * @module
 */

import { eventSize } from "../kv/event_text.ts";
import { isChange, type TaskEvent } from "../task/event.ts";
import type { Task } from "../task/task.ts";
import type { Part } from "./write.ts";

/** Characters of a checkpoint that the journal takes; a larger one goes into its own key at once. */
const MAX_CHECKPOINT = 2048;

/** Events with parts in one commit, at most: each is some keys of it. */
const MAX_PARTS = 32;

/** Bytes of what they write from which on others wait for the next commit. */
const MAX_PART_BYTES = 256 * 1024;

/** An event to write. */
export interface QueuedEvent {
  event: TaskEvent;
  /** The task right after it: what its head says where this is the last event written. */
  after: Task;
  /** The result, as JSON text, where it is the end of a task that has one. */
  result?: string | null;
  /** What is written in the same commit. */
  part?: Part;
  /** The end, which is written in the same commit as the last message, or neither is. */
  with?: QueuedEvent;
}

/** What fits into a commit. */
export interface Picked {
  count: number;
  /** In order; of several checkpoints the newest. */
  events: TaskEvent[];
  /** The last event among them, or what it was picked with. */
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

  /** What fits into `room` bytes of journal lines, from the first on. It stays where it is. */
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

  /** Something else changed that tasks have after each event, too. */
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

/** Bytes of the event's line in the journal. */
function sizeOf(event: TaskEvent): number {
  return event.type === "checkpoint" && isLarge(event) ? 0 : eventSize(event);
}
