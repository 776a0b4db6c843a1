/**
 * What of a task has yet to be written: events and checkpoints in their order, the newest progress,
 * and the head that tells of them. Rendered when a commit takes it, so that progress in between is
 * conflated.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { encodeRows, eventSize } from "../kv/event_text.ts";
import { textValue } from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Task } from "../task/state.ts";
import { PendingWrites } from "./pending_writes.ts";
import {
  EventQueue,
  type Picked,
  type QueuedEvent,
  type RowCounts,
  type Snapshot,
} from "./event_queue.ts";
import type { StoredHead } from "./stored_head.ts";
import type { Part, WriteResult } from "./write.ts";

export interface WrittenTask {
  task(): Task;
  /** Counts one more event of it. */
  nextSeq(): number;
  /** The newest state, which others hold from now on: it is not written into any more. */
  share(): Task;
  /** It has progress that its head lacks, or no longer has. */
  onpending(pending: boolean): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Bytes of events rendered at once: their rows are one value of at most 64 KiB. The last message of a
 * task and its end, with the largest texts and result there can be, fit into it.
 */
const ROWS_ROOM = 64_000;

export class TaskWriter {
  readonly head: StoredHead;
  readonly #of: WrittenTask;
  readonly #queue = new EventQueue();
  readonly #writes = new PendingWrites();
  /** As of the last change of state written: what a head tells while later events still wait. */
  #told: Snapshot;
  #extra: Part[] = [];
  #reported = false;
  #headDue = false;

  constructor(head: StoredHead, task: Task, of: WrittenTask) {
    this.head = head;
    this.#told = { task, result: null };
    this.#of = of;
  }

  /** Given up: the store holds something else than this process believed, or takes no more. */
  get lost(): boolean {
    return this.#writes.lost;
  }

  get clean(): boolean {
    return this.#writes.clean;
  }

  /** Resolves when everything up to now is written, or will not be. */
  wait(): Promise<WriteResult> {
    return this.#writes.wait();
  }

  /** Something else changed that the head tells. */
  change(): void {
    this.#writes.change();
  }

  event(event: QueuedEvent): void {
    this.#queue.event(event);
    // A change of state shows whatever progress came before it.
    if (event.after) this.#reported = false;
    this.#writes.change();
  }

  checkpoint(json: string): void {
    this.#queue.checkpoint(json);
    this.#writes.change();
  }

  report(): void {
    this.#reported = true;
    this.#writes.change();
  }

  also(part: Part): void {
    this.#extra.push(part);
  }

  /** Has the head written if it is no longer recent; returns whether that is news. */
  requireHead(): boolean {
    if (this.head.isRecent(this.#of.now()) || this.#headDue) return false;
    this.#headDue = true;
    this.#writes.change();
    return true;
  }

  render(room: number): Part | null {
    if (this.lost) return {};
    const picked = this.#queue.pick(Math.min(room, ROWS_ROOM));
    const due = !picked.more && (this.#reported || this.#headDue);
    const progress = due ? this.#progressEvent() : null;
    const more = picked.more || (progress !== null && eventSize(progress) > picked.left);
    if (more && picked.count === 0) return null;
    this.#queue.drop(picked.count);
    if (picked.after) this.#told = picked.after;
    if (more) {
      this.#tellUpTo(picked);
      return this.#part(picked, null, true);
    }
    this.#tellAll();
    const alone = progress !== null && picked.count === 0 && this.#mayLeaveHead();
    this.#reported = false;
    if (!alone) return this.#part(picked, progress, false);
    progress.type = "progress";
    this.#of.onpending(true);
    return { events: [progress] };
  }

  /** How the commit ended that has what was rendered last. */
  end(result: WriteResult): void {
    this.#writes.end(result);
    if (!result.ok) return;
    const task = this.#of.task();
    const oursAlone = task.owner !== null || this.#told.task.owner !== null;
    this.head.committed(task.record.task_id, result.versionstamp, oursAlone);
  }

  /** The record as an event of its own, counted only if there is something new in it. */
  #progressEvent(): TaskEvent {
    const { record } = this.#of.task();
    const seq = record.seq + (this.#reported ? 1 : 0);
    const json = JSON.stringify({ ...record, seq });
    return { type: "head", id: record.task_id, kind: record.kind, seq, json };
  }

  /** Whether the head may stay as it is, and the journal alone hold the progress. */
  #mayLeaveHead(): boolean {
    return this.#reported && !this.#headDue && this.#extra.length === 0 &&
      this.head.check === null && this.head.isRecent(this.#of.now());
  }

  /** Has the head tell everything there is. */
  #tellAll(): void {
    if (this.#reported) this.#of.nextSeq();
    this.#writes.render();
    this.#told = { task: this.#of.share(), result: this.#told.result };
  }

  /** Has the head tell what is written with it, though others wait. */
  #tellUpTo({ events, saved }: Picked): void {
    const { task, result } = this.#told;
    const now = this.#of.task();
    this.#told = {
      task: {
        ...task,
        ...(saved ? { checkpointed: true, deaths: 0 } : {}),
        ...lessRows(now, this.#queue.rows()),
        trimmed: now.trimmed,
        trimmedOutputs: now.trimmedOutputs,
        record: { ...task.record, seq: events.at(-1)?.seq ?? task.record.seq },
      },
      result,
    };
  }

  #part({ events: rows, checkpoint }: Picked, progress: TaskEvent | null, more: boolean): Part {
    const { task, result } = this.#told;
    const { task_id: id, status } = task.record;
    const events = progress === null ? [...rows] : [...rows, progress];
    const part: Required<Part> = { checks: [], sets: [], deletes: [], events, more };
    if (this.head.check) part.checks.push(this.head.check);
    if (rows.length > 0) {
      const bytes = encodeRows(rows);
      part.sets.push([keys.event(id, rows.at(-1)!.seq), bytes, bytes.length]);
    }
    if (checkpoint !== null && task.checkpointed && status !== "completed") {
      part.sets.push([keys.checkpoint(id), textValue(checkpoint), byteLength(checkpoint)]);
    }
    this.#headDue = false;
    this.#of.onpending(false);
    this.head.render(part, task, result, this.#of.now());
    this.#told = { task, result: null };
    for (const { checks = [], sets = [], deletes = [], events = [] } of this.#extra.splice(0)) {
      part.checks.push(...checks);
      part.sets.push(...sets);
      part.deletes.push(...deletes);
      part.events.unshift(...events);
    }
    return part;
  }
}

/** What a task has of rows without those that wait. */
function lessRows(of: RowCounts, waiting: RowCounts): RowCounts {
  return {
    rows: of.rows - waiting.rows,
    rowBytes: of.rowBytes - waiting.rowBytes,
    outputs: of.outputs - waiting.outputs,
    outputBytes: of.outputBytes - waiting.outputBytes,
  };
}
