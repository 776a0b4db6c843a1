/**
 * The newest state of a task in this process, stored or not, and the ids of its next events.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { rowSize } from "../kv/event_text.ts";
import type { EventType, Row, TaskEvent } from "../task/event.ts";
import { withSeq } from "../task/json_text.ts";
import type { TaskRecord } from "../task/record.ts";
import { withRow } from "../task/row_counts.ts";
import type { Task } from "../task/task.ts";

export class CurrentTask {
  /** Its `record.seq` counts all events, written or not. A change replaces the task and the record. */
  task: Task;
  #json = "";
  /** The record that `#json` was rendered from, whose `seq` may have changed since. */
  #rendered: TaskRecord | null = null;

  constructor(task: Task) {
    this.task = task;
  }

  get id(): string {
    return this.task.record.task_id;
  }

  get record(): TaskRecord {
    return this.task.record;
  }

  /** The record as JSON text, rendered once after each change. */
  get json(): string {
    const { record } = this;
    this.#json = this.#rendered === record
      ? withSeq(this.#json, record.seq)
      : JSON.stringify(record);
    this.#rendered = record;
    return this.#json;
  }

  /** Changes what the record does not show. */
  note(fields: Partial<Omit<Task, "record">>): void {
    this.task = { ...this.task, ...fields };
  }

  /** Counts a row that the task stores. */
  count(row: Row): void {
    this.task = withRow(this.task, row, rowSize(row));
  }

  /** Takes the `seq` of the next event. */
  nextSeq(): number {
    this.skip(1);
    return this.record.seq;
  }

  /** Skips so many `seq`, which no event will have. */
  skip(count: number): void {
    const { record } = this;
    const next = { ...record, seq: record.seq + count };
    if (this.#rendered === record) this.#rendered = next;
    this.task = { ...this.task, record: next };
  }

  event(type: EventType, seq: number, json: string): TaskEvent {
    const { task_id: id, kind } = this.record;
    return { type, id, kind, seq, json, bytes: byteLength(json) };
  }
}
