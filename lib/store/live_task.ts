/**
 * The newest state of a task that this process is about to change, is changing, or runs. Its
 * {@link ./task_writer.ts TaskWriter} holds what has yet to be written.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { type Head, type Kept, unpack } from "../kv/head.ts";
import { keys } from "../kv/keys.ts";
import type { PendingState } from "../kv/pending_state.ts";
import { applyKeep, withRoom } from "../task/apply_report.ts";
import { completeJson } from "../task/complete_json.ts";
import type { Estimate } from "../task/eta.ts";
import type { TaskEvent } from "../task/event.ts";
import { withChildren, withReport } from "../task/figures.ts";
import { withField } from "../task/record_fields.ts";
import {
  type ChildCounts,
  isFinished,
  type Status,
  type TaskKeys,
  type TaskRecord,
} from "../task/record.ts";
import { SEQ_GAP } from "../task/limits.ts";
import type { Report } from "../task/report.ts";
import { afterRestore } from "../task/restored.ts";
import type { Keep } from "../task/retention.ts";
import { withCheckpoint } from "../task/rewind.ts";
import { withoutRows } from "../task/row_counts.ts";
import type { Task } from "../task/task.ts";
import { type Change, type Refusal, transition } from "../task/transition.ts";
import { CurrentTask } from "./current_task.ts";
import type { QueuedEvent } from "./event_queue.ts";
import { newsOf, withDeliveries } from "./news.ts";
import { placeInput, StoredHead } from "./stored_head.ts";
import type { Taken } from "./take_rows.ts";
import { TaskRows } from "./task_rows.ts";
import { TaskWriter } from "./task_writer.ts";
import type { Part, Write, WriteResult } from "./write.ts";

/** Bytes of a result above which the record is shortened: both go into one commit. */
const RECORD_ROOM = 40 * 1024;

/** The input that a debounced submit gives to a known task, and what depends on it. */
export interface NewInput {
  /** JSON text; `null` for none. */
  readonly input: string | null;
  readonly parsed: boolean;
  readonly keys: TaskKeys;
  readonly uploads: readonly string[];
}

export interface LiveTaskHooks {
  /** The task has something to write. */
  touch(write: Write): void;
  /** Shows progress before it is stored; absent if other processes write to the same store. */
  show?: ((event: TaskEvent) => void) | undefined;
  /** Whether anybody watches the task. @default {somebody does} */
  watched?: ((id: string, kind: string) => boolean) | undefined;
  /** The task has progress, shown or not, that must be stored soon. */
  onshown(live: LiveTask): void;
  /** Called with whether the journal holds more of the task than its own keys. */
  pending(live: LiveTask, pending: boolean): void;
  /** A state change of the task was written. */
  onmoved(live: LiveTask): void;
  /** A part of the task was committed, or failed to be. */
  onwritten(live: LiveTask, result: WriteResult): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Made by {@link LiveTask.created} or {@link LiveTask.loaded}. */
export class LiveTask implements Write {
  /** Adds what the task yields. */
  readonly rows: TaskRows;
  readonly #hooks: LiveTaskHooks;
  readonly #current: CurrentTask;
  readonly #writer: TaskWriter;
  #estimate: Estimate | undefined;
  /** The last stored status: {@link LiveTaskHooks.onmoved} is called when it changes. */
  #moved: Status | null;

  private constructor(task: Task, head: StoredHead, hooks: LiveTaskHooks, state?: PendingState) {
    this.#hooks = hooks;
    this.#moved = head.status;
    this.#current = new CurrentTask(task);
    this.#writer = new TaskWriter(head, this.#current, {
      show: hooks.show,
      watched: () => hooks.watched?.(this.id, this.record.kind) ?? true,
      touch: () => hooks.touch(this),
      onshown: () => hooks.onshown(this),
      onpending: (pending) => hooks.pending(this, pending),
      now: hooks.now,
    }, state);
    this.rows = new TaskRows(this.#current, this.#writer, hooks.now);
    for (const row of state?.rows ?? []) this.#current.count(row);
    if (state?.checkpoint) this.#task = withCheckpoint(this.task, state.checkpoint.seq);
  }

  /** A new task, whose first event says that it is pending. */
  static created(task: Task, inputJson: string | null, hooks: LiveTaskHooks): LiveTask {
    const { kept, part } = placeInput(task.record.task_id, inputJson);
    const live = new LiveTask(task, StoredHead.ofNew(kept), hooks);
    if (part) live.also(part);
    live.#stateEvent("message", ++task.record.seq);
    return live;
  }

  /**
   * A task read from the store: its next commit fails if the head has changed since. `state` is its
   * pending state, which that commit folds into its own keys.
   */
  static loaded(
    entry: Deno.KvEntry<Head>,
    hooks: LiveTaskHooks,
    { restoredAt = 0, state }: { restoredAt?: number; state?: PendingState | undefined } = {},
  ): LiveTask {
    const task = afterRestore(unpack(entry.value), restoredAt);
    return new LiveTask(task, StoredHead.asRead(entry, task), hooks, state);
  }

  get id(): string {
    return this.#current.id;
  }

  /** The newest state. `record.seq` counts all events, written or not. */
  get task(): Task {
    return this.#current.task;
  }

  set #task(task: Task) {
    this.#current.task = task;
  }

  get input(): Kept {
    return this.#writer.head.input;
  }

  get record(): TaskRecord {
    return this.task.record;
  }

  /** The record as JSON text. */
  get json(): string {
    return this.#current.json;
  }

  /** Whether a write failed: the task is given up, and no more of it is written. */
  get lost(): boolean {
    return this.#writer.lost;
  }

  get clean(): boolean {
    return this.#writer.clean;
  }

  /**
   * Makes a state change, with its event (and `complete` if the task ends). `part` goes into the same
   * commit.
   */
  change(
    change: Change,
    resultJson: string | null = null,
    part?: Part,
  ): { ok: true } | { ok: false; reason: Refusal } {
    const before = this.task;
    const result = transition(before, change, this.#hooks.now());
    if (!result.ok) return result;
    this.#task = result.task;
    const news = before.notify ? newsOf(before, this.task) : null;
    if (news) this.#task = { ...this.task, notified: news.last };
    // The last message and `complete` go into one commit, so a large result leaves little room.
    if (resultJson !== null && byteLength(resultJson) > RECORD_ROOM) {
      this.#task = withRoom(this.task);
    }
    if (change.type === "start" || change.type === "retry") {
      this.#estimate = undefined;
      this.#writer.head.dropResult();
    }
    // The record is new and nobody else holds it, so its `seq` may change in place.
    const last = this.#stateEvent("message", ++this.record.seq);
    if (news) last.part = withDeliveries(part, news, this.json, resultJson);
    else if (part) last.part = part;
    if (change.type === "start") this.rows.rewind();
    const ended = isFinished(this.record.status);
    if (ended) {
      const result = change.type === "complete" ? resultJson : null;
      last.with = this.#stateEvent("complete", this.#current.nextSeq(), result);
    }
    return { ok: true };
  }

  /**
   * Replaces the input of a task that has not begun, which then runs no earlier than `runAt`.
   *
   * @param also Goes into the same commit.
   */
  postpone(
    { input, parsed, keys: by, uploads }: NewInput,
    runAt: number,
    also: Required<Pick<Part, "checks" | "sets">>,
  ): boolean {
    const { head } = this.#writer;
    const { kept, part } = placeInput(this.id, input);
    const large = typeof head.input === "object" && head.input !== null;
    const { parsed: _parsed, uploads: _uploads, ...rest } = this.task;
    const before = this.task;
    this.#task = {
      ...rest,
      ...(parsed ? { parsed } : {}),
      ...(uploads.length > 0 ? { uploads } : {}),
      record: withField(this.record, "keys", by),
    };
    const { ok } = this.change({ type: "postpone", runAt }, null, {
      checks: also.checks,
      sets: [...also.sets, ...part?.sets ?? []],
      deletes: large && part === null ? [keys.input(this.id)] : [],
    });
    if (ok) head.input = kept;
    else this.#task = before;
    return ok;
  }

  /** Applies a progress report. Of several before a commit, only the newest state is written. */
  report(report: Report): void {
    const { task, estimate } = withReport(this.task, report, this.#estimate);
    this.#estimate = estimate;
    this.#task = task;
    this.#writer.report();
  }

  /** Updates the figures of its children; `underWay` is what running ones have done, in children. */
  family(children: ChildCounts, pace: Pick<Estimate, "rate" | "etaMs">, underWay = 0): void {
    this.#task = withChildren(this.task, children, pace, this.#hooks.now(), underWay);
    this.#writer.report();
  }

  /** Changes how long it is kept. This makes no event, since the last one of a task is its end. */
  keep(keep: Keep | undefined): void {
    this.#task = applyKeep(this.task, keep);
    this.also({});
  }

  countChild(): void {
    this.#current.note({ children: (this.task.children ?? 0) + 1 });
  }

  /**
   * Skips every `seq` that the process which ran the task may have shown without storing it: no id may
   * be used twice.
   */
  skipUnstoredIds(): void {
    this.#current.skip(SEQ_GAP);
  }

  /** Takes removed rows off the counts, and writes the part that removes them, with `known`. */
  removed({ type, rows, bytes, part }: Taken, known: Partial<Task>): void {
    const removed = (task: Task) => ({ ...withoutRows(task, { type, rows, bytes }), ...known });
    this.#task = removed(this.task);
    this.#writer.revise(removed);
    this.also(part);
  }

  /** The task as its own keys hold it, with the commit in flight. */
  get folded(): Task {
    return this.#writer.folded;
  }

  /** Bytes of rows that have yet to be folded into its own keys. */
  get unfoldedBytes(): number {
    return this.#writer.unfoldedBytes;
  }

  /** Folds its pending state, if any, into its own keys with the next commit. */
  fold(): void {
    this.#writer.fold();
  }

  /** Stores its newest progress with the next commit. */
  store(): void {
    this.#writer.store();
  }

  /** Adds a part to the next commit of this task; its events go before the task's own. */
  also(part: Part): void {
    this.#writer.also(part);
  }

  /** Resolves when everything so far is written, or has failed. */
  committed(): Promise<WriteResult> {
    return this.#writer.wait();
  }

  render(room: number): Part | null {
    return this.#writer.render(room);
  }

  onresult(result: WriteResult): void {
    this.#writer.end(result);
    const { status } = this.folded.record;
    if (result.ok && status !== this.#moved) {
      this.#moved = status;
      this.#hooks.onmoved(this);
    }
    this.#hooks.onwritten(this, result);
  }

  onpassed(): void {
    this.#writer.passed();
  }

  #stateEvent(
    type: "message" | "complete",
    seq: number,
    result: string | null = null,
  ): QueuedEvent {
    const json = type === "message" ? this.json : completeJson(this.record, result);
    const item: QueuedEvent = {
      event: this.#current.event(type, seq, json),
      after: this.task,
      result,
    };
    this.#writer.event(item);
    return item;
  }
}
