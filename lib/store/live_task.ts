/**
 * A task that this process is about to change, is changing, or runs: its newest state, and what of
 * it has yet to be written.
 *
 * @module
 */

import { type Estimate, estimate } from "../task/eta.ts";
import { EventQueue, type QueuedEvent, type Snapshot } from "./event_queue.ts";
import { keys } from "../kv/keys.ts";
import { type IndexKeys, indexKeysOf, moveIndexKeys } from "./index_keys.ts";
import { byteLength } from "../base/bytes.ts";
import { encodeRows, eventSize, rowSize } from "../kv/event_text.ts";
import type { EventType, TaskEvent } from "../task/event.ts";
import { withFirst, withLast } from "../task/json_text.ts";
import { isFinished, type TaskRecord } from "../task/record.ts";
import {
  applyReport,
  type Change,
  type Refusal,
  type Report,
  type Task,
  transition,
} from "../task/state.ts";
import {
  type Head,
  HEAD_DELAY_MS,
  INLINE_INPUT,
  INLINE_RESULT,
  type Kept,
  pack,
  textValue,
  unpack,
} from "../kv/head.ts";
import type { LogLevel } from "../task/define.ts";
import { newTrace, traced, traceSize } from "../task/trace.ts";
import type { Part, Write, WriteResult } from "./write.ts";
import { Backlog } from "./backlog.ts";

/** What {@link LiveTask} tells its owner. */
export interface LiveTaskHooks {
  /** It has something to write. */
  touch(write: Write): void;
  /** Its head lags behind its progress, or no longer does. */
  lags(live: LiveTask, behind: boolean): void;
  /** A piece of it was written, or was not. */
  settled(live: LiveTask, outcome: WriteResult): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Bytes of events rendered at once: their rows are one value of at most 64 KiB. The last message of a
 * task and its end, with the largest texts and result there can be, fit into it.
 */
const ROWS_ROOM = 64_000;

/** See the module. Made by {@link LiveTask.created} or {@link LiveTask.loaded}. */
export class LiveTask implements Write {
  /** The newest state. `record.seq` counts every event taken in, written or not. */
  task: Task;
  /** The input, as kept. */
  readonly input: Kept;
  /** Its oldest rows are being removed; see `trim.ts`. */
  trimming = false;

  readonly #hooks: LiveTaskHooks;
  #resultJson: string | null = null;
  #result: Kept;
  /** As of the last state event written: what a head says while later items still wait. */
  #base: Snapshot;
  /** What leads to it in the store, as far as this process knows. */
  #leads: IndexKeys | null;
  #check: Deno.AtomicCheck | null;
  #extra: Part[] = [];
  readonly #items = new EventQueue();
  #reported = false;
  /** Nobody else holds the task and record as they are: they may be written into. */
  #unshared = false;
  #headAt = -Infinity;
  #headDue = false;
  #estimate: Estimate | undefined;
  readonly #written = new Backlog();

  private constructor(
    task: Task,
    input: Kept,
    result: Kept,
    leads: IndexKeys | null,
    check: Deno.AtomicCheck | null,
    hooks: LiveTaskHooks,
  ) {
    this.task = task;
    this.input = input;
    this.#result = result;
    this.#base = { task, result: null };
    this.#leads = leads;
    this.#check = check;
    this.#hooks = hooks;
  }

  /** A new task: its first event is `pending`. */
  static created(task: Task, inputJson: string | null, hooks: LiveTaskHooks): LiveTask {
    const inline = inputJson === null || byteLength(inputJson) <= INLINE_INPUT;
    const live = new LiveTask(task, inline ? inputJson : { kept: true }, null, null, null, hooks);
    if (!inline) {
      const key = keys.input(task.record.task_id);
      live.also({ sets: [[key, textValue(inputJson), byteLength(inputJson)]] });
    }
    live.#stateEvent("message");
    return live;
  }

  /** A task read from the store: what is written of it is checked against what was read. */
  static loaded(entry: Deno.KvEntry<Head>, hooks: LiveTaskHooks): LiveTask {
    const task = unpack(entry.value);
    return new LiveTask(
      task,
      entry.value.input,
      entry.value.result,
      indexKeysOf(task),
      { key: entry.key, versionstamp: entry.versionstamp },
      hooks,
    );
  }

  /** The task's id. */
  get id(): string {
    return this.task.record.task_id;
  }

  /** The record, without its result. */
  get record(): TaskRecord {
    return this.task.record;
  }

  /** Given up: the store holds something else than this process believed, or takes no more. */
  get lost(): boolean {
    return this.#written.lost;
  }

  /** Nothing waits to be written. */
  get clean(): boolean {
    return this.#written.clean;
  }

  /** Makes a state change, with its event (and `complete` where it ends). */
  change(
    change: Change,
    resultJson: string | null = null,
  ): { ok: true } | { ok: false; reason: Refusal } {
    const result = transition(this.task, change, this.#hooks.now());
    if (!result.ok) return result;
    this.task = result.task;
    if (change.type === "start" || change.type === "retry") {
      this.#estimate = undefined;
      this.#result = null;
    }
    this.#resultJson = change.type === "complete" ? resultJson : null;
    const last = this.#stateEvent("message");
    if (isFinished(this.record.status)) last.with = this.#stateEvent("complete");
    this.#touch();
    return { ok: true };
  }

  /** Takes in progress: the newest counts. */
  report(report: Report): void {
    // A new task and record, which nobody else holds yet: the rest is written into it.
    this.task = applyReport(this.task, report);
    this.#unshared = true;
    const { record } = this;
    const { done, total, progress } = record;
    const counted = done !== null;
    if (counted || progress !== null) {
      const goal = counted ? total : 100;
      this.#estimate = estimate(this.#estimate, report.at, counted ? done : progress!, goal);
      const { rate, etaMs } = this.#estimate;
      record.rate = rate === null ? null : Math.round(rate * 1000) / 1000;
      record.eta_ms = etaMs === null ? null : Math.round(etaMs);
    }
    this.task.trace = traced(this.task.trace ?? newTrace(report.at), report.at, record);
    this.#reported = true;
    this.#touch();
  }

  /** Adds a log or output row. `json` is an object's text, into which the `seq` is put first. */
  row(type: "log" | "output", json: string): void {
    const seq = this.#nextSeq();
    const event = this.#event(type, seq, withFirst(json, "seq", String(seq)));
    const bytes = rowSize(event);
    this.#items.event({ event, bytes });
    const { rows, rowBytes } = this.task;
    this.task = { ...this.task, rows: rows + 1, rowBytes: rowBytes + bytes };
    this.#touch();
  }

  /** Adds a log row of the engine's own. */
  log(level: LogLevel, message: string, data?: Record<string, unknown>): void {
    const time = new Date(this.#hooks.now()).toISOString();
    this.row("log", JSON.stringify({ level, message, time, ...(data ? { data } : {}) }));
  }

  /** Saves a checkpoint, behind the rows that came before it. */
  save(json: string): void {
    this.task = { ...this.task, checkpointed: true, deaths: 0 };
    this.#items.checkpoint(json);
    this.#touch();
  }

  /** Notes that rows up to `seq` were removed, with the piece that removes them. */
  trim(seq: number, rows: number, bytes: number, piece: Part): void {
    // An older version counted no bytes.
    const rowBytes = Math.max(0, this.task.rowBytes - bytes);
    this.task = { ...this.task, trimmed: seq, rows: this.task.rows - rows, rowBytes };
    this.also(piece);
    this.#touch();
  }

  /** Has the head written, where it has lagged for long enough. */
  catchUp(): void {
    if (this.#lagsLittle() || this.#headDue) return;
    this.#headDue = true;
    this.#touch();
  }

  /** Adds checks and keys to the next commit of this task. */
  also(piece: Part): void {
    this.#extra.push(piece);
  }

  /** Resolves when everything up to now is written, or will not be. */
  committed(): Promise<WriteResult> {
    return this.#written.wait();
  }

  /** See {@link Write}. */
  render(room: number): Part | null {
    if (this.lost) return {};
    const picked = this.#items.pick(Math.min(room, ROWS_ROOM));
    const { count, events, checkpoint } = picked;
    const sets: Required<Part>["sets"] = [];
    let { more } = picked;
    let progress: TaskEvent | null = null;
    if (!more && (this.#reported || this.#headDue)) {
      progress = this.#progressEvent();
      if (eventSize(progress) > picked.left) more = true;
    }
    if (more && count === 0) return null;
    this.#items.drop(count);
    if (picked.after) this.#base = picked.after;
    const rows = events.slice();
    if (!more) {
      if (progress) {
        if (this.#reported) this.#nextSeq();
        events.push(progress);
      }
      this.#written.render();
      this.#base = { task: this.task, result: this.#base.result };
      this.#unshared = false;
      if (progress) {
        const lags = count === 0 && this.#mayLag();
        this.#reported = false;
        if (lags) {
          progress.type = "progress";
          this.#hooks.lags(this, true);
          return { events };
        }
      }
    }
    if (more) this.#advanceBase(events.at(-1)?.seq, picked.saved);

    const piece: Required<Part> = { checks: [], sets, deletes: [], events, more };
    if (this.#check) piece.checks.push(this.#check);
    if (rows.length > 0) {
      const bytes = encodeRows(rows);
      sets.push([keys.event(this.id, rows.at(-1)!.seq), bytes, bytes.length]);
    }
    const { checkpointed, record: { status } } = this.#base.task;
    if (checkpoint !== null && checkpointed && status !== "completed") {
      sets.push([keys.checkpoint(this.id), textValue(checkpoint), byteLength(checkpoint)]);
    }
    this.#renderHead(piece);
    for (const extra of this.#extra.splice(0)) {
      piece.checks.push(...extra.checks ?? []);
      sets.push(...extra.sets ?? []);
      piece.deletes.push(...extra.deletes ?? []);
      events.push(...extra.events ?? []);
    }
    return piece;
  }

  /** See {@link Write}. */
  settle(outcome: WriteResult): void {
    this.#written.settle(outcome);
    // Not ours alone: whatever is written next must find what we just wrote.
    if (outcome.ok) {
      this.#check = this.task.owner === null && this.#base.task.owner === null
        ? { key: keys.task(this.id), versionstamp: outcome.versionstamp }
        : null;
    }
    this.#hooks.settled(this, outcome);
  }

  /** The record as an event of its own, counted only if there is something new in it. */
  #progressEvent(): TaskEvent {
    const { record } = this;
    const seq = record.seq + (this.#reported ? 1 : 0);
    return this.#event("head", seq, JSON.stringify({ ...record, seq }));
  }

  /** Whether the head may stay as it is, behind progress that the journal holds. */
  #mayLag(): boolean {
    return this.#reported && !this.#headDue && this.#extra.length === 0 && this.#check === null &&
      this.#lagsLittle();
  }

  #lagsLittle(): boolean {
    const lag = this.#hooks.now() - this.#headAt;
    // A clock that was set back must not keep the head back.
    return lag >= 0 && lag < HEAD_DELAY_MS;
  }

  /** Brings what a head says up to the items taken, though others wait. */
  #advanceBase(seq: number | undefined, saved: boolean): void {
    const { task, result } = this.#base;
    this.#base = {
      task: {
        ...task,
        ...(saved ? { checkpointed: true, deaths: 0 } : {}),
        rows: this.task.rows - this.#items.rows,
        rowBytes: this.task.rowBytes - this.#items.rowBytes,
        trimmed: this.task.trimmed,
        record: { ...task.record, seq: seq ?? task.record.seq },
      },
      result,
    };
  }

  #renderHead(piece: Required<Part>): void {
    const { task, result } = this.#base;
    this.#headAt = this.#hooks.now();
    this.#headDue = false;
    this.#hooks.lags(this, false);
    if (result !== null) {
      const inline = byteLength(result) <= INLINE_RESULT;
      this.#result = inline ? result : { kept: true };
      if (!inline) piece.sets.push([keys.result(this.id), textValue(result), byteLength(result)]);
      this.#base = { task, result: null };
    }
    const head = pack(task, this.input, this.#result);
    const size = head.record.length * 2 + 1024 + traceSize(task.trace);
    piece.sets.push([keys.task(this.id), head, size]);
    this.#leads = moveIndexKeys(piece, task, this.#leads);
  }

  #stateEvent(type: "message" | "complete"): QueuedEvent {
    const seq = this.#nextSeq();
    const { record } = this.task;
    const json = type === "message"
      ? JSON.stringify(record)
      : completeJson(record, this.#resultJson);
    this.#unshared = false;
    const after = { task: this.task, result: type === "complete" ? this.#resultJson : null };
    const item: QueuedEvent = { event: this.#event(type, seq, json), after };
    this.#items.event(item);
    // The state event shows whatever progress came before it.
    this.#reported = false;
    this.#written.change();
    return item;
  }

  #event(type: EventType, seq: number, json: string): TaskEvent {
    return { type, id: this.id, kind: this.record.kind, seq, json };
  }

  #nextSeq(): number {
    if (this.#unshared) return ++this.record.seq;
    const seq = this.record.seq + 1;
    this.task = { ...this.task, record: { ...this.record, seq } };
    return seq;
  }

  #touch(): void {
    this.#written.change();
    this.#hooks.touch(this);
  }
}

/** The data of a `complete` event. */
function completeJson(record: TaskRecord, resultJson: string | null): string {
  const { task_id, status, error } = record;
  const head = JSON.stringify({ task_id, status, ...(error === null ? {} : { error }) });
  return withLast(head, "result", resultJson ?? "null");
}
