/**
 * What has yet to be written of a task: events in order, the newest progress, and the head that
 * goes with them. It is rendered when a commit takes it, so that progress in between is conflated.
 *
 * Most commits put it into the journal alone. The task's own keys follow with the next change of
 * state, or when they are due: then everything in the journal is folded into them.
 *
 * @module
 */

import { eventSize } from "../kv/event_text.ts";
import type { PendingState } from "../kv/pending_state.ts";
import { MAX_ARTIFACT_LIST } from "../task/artifact_list.ts";
import { isChange, type TaskEvent } from "../task/event.ts";
import { withSeq } from "../task/json_text.ts";
import type { Task } from "../task/task.ts";
import type { CurrentTask } from "./current_task.ts";
import { PendingWrites } from "./pending_writes.ts";
import { EventQueue, type Picked, type QueuedEvent } from "./event_queue.ts";
import { ShownProgress } from "./shown_progress.ts";
import type { StoredHead } from "./stored_head.ts";
import { Unfolded } from "./unfolded.ts";
import type { Part, WriteResult } from "./write.ts";

export interface TaskWriterHooks {
  /** Shows progress before it is stored; absent if other processes write to the same store. */
  show?: ((event: TaskEvent) => void) | undefined;
  /** Whether anybody watches the task. */
  watched(): boolean;
  /** The task has something to write. */
  touch(): void;
  /** The task has progress, shown or not, that must be stored soon. */
  onshown(): void;
  /** Called with whether the journal holds more of the task than its own keys. */
  onpending(pending: boolean): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Most bytes of a task's events in one commit, so that other tasks find room in it, too. It must hold
 * the last two events of a task: its record and its result.
 */
const MAX_ROOM = 64_000 + MAX_ARTIFACT_LIST;

/** Bytes of a `folded` event in the journal, without the kind's name. */
const FOLDED_BYTES = 64;

/** Bytes of unfolded rows above which a commit folds them. */
const MAX_UNFOLDED = 48 * 1024;

export class TaskWriter {
  readonly head: StoredHead;
  /** The task as its own keys hold it, with the commit in flight. */
  folded: Task;
  readonly #current: CurrentTask;
  readonly #hooks: TaskWriterHooks;
  readonly #queue = new EventQueue();
  readonly #writes = new PendingWrites();
  readonly #progress: ShownProgress;
  readonly #unfolded = new Unfolded();
  #extra: Part[] = [];
  #pending = false;
  #foldDue = false;

  constructor(
    head: StoredHead,
    current: CurrentTask,
    hooks: TaskWriterHooks,
    state?: PendingState,
  ) {
    this.head = head;
    this.folded = current.task;
    this.#current = current;
    this.#hooks = hooks;
    this.#progress = new ShownProgress(current.record.seq);
    if (state === undefined) return;
    this.#unfolded.add(state.rows);
    if (state.checkpoint) this.#unfolded.add([state.checkpoint]);
    this.#pending = true;
  }

  /** Whether a write failed: the task is given up, and no more of it is written. */
  get lost(): boolean {
    return this.#writes.lost;
  }

  get clean(): boolean {
    return this.#writes.clean;
  }

  /** Bytes of rows that have yet to be folded into its own keys. */
  get unfoldedBytes(): number {
    return this.lost ? 0 : this.#unfolded.bytes;
  }

  /** Resolves when everything so far is written, or has failed. */
  wait(): Promise<WriteResult> {
    return this.#writes.wait();
  }

  event(event: QueuedEvent): void {
    this.#queue.push(event);
    // A state change carries the progress that came before it.
    if (event.event.type === "message") this.#progress.waits = false;
    this.#change();
  }

  /** There is new progress: it is shown now, or after the events before it. */
  report(): void {
    this.#progress.waits = true;
    this.#tell();
  }

  /** Adds a part to the next commit of this task; its events go before the task's own. */
  also(part: Part): void {
    this.#extra.push(part);
    this.#change();
  }

  /** Applies a change to the task as it is after each queued event, so that the next commit has it. */
  revise(change: (task: Task) => Task): void {
    this.#queue.revise(change);
  }

  /** Stores its newest progress with the next commit. */
  store(): void {
    if (this.#progress.waits) this.#change();
    else if (this.#progress.unstored !== null) this.#hooks.touch();
  }

  /** Folds its pending state, if any, into its own keys with the next commit. */
  fold(): void {
    if (this.#foldDue || !this.#pending || this.lost) return;
    this.#foldDue = true;
    this.#change();
  }

  render(room: number): Part | null {
    if (this.lost) return {};
    const { kind, seq } = this.#current.record;
    const shown = this.#progress.unstored;
    // There must be room for a `folded` event after the others.
    const limit = Math.min(room, MAX_ROOM) - FOLDED_BYTES - kind.length;
    const left = limit - (shown === null ? 0 : eventSize(shown));
    const picked = this.#queue.pick(left);
    const progress = picked.more || !this.#progress.waits ? null : this.#progressEvent(seq + 1);
    const more = picked.more || (progress !== null && eventSize(progress) > picked.left);
    if (more && picked.count === 0 && (shown === null || left < 0)) return null;
    if (left < 0) return null;
    this.#queue.drop(picked.count);
    return this.#part(picked, shown, more ? null : progress, more);
  }

  /** Takes the result of the commit that has the part rendered last. */
  end(result: WriteResult): void {
    this.#writes.end(result);
    if (!result.ok) return;
    this.#progress.stored();
    const { record, owner } = this.folded;
    this.head.committed(record.task_id, result.versionstamp, owner !== null);
  }

  /** The events of a commit were passed on: progress that waited for them may be shown. */
  passed(): void {
    this.#progress.passed();
    if (this.#progress.waits) this.#tell();
  }

  #change(): void {
    this.#writes.change();
    this.#hooks.touch();
  }

  /** Shows the newest progress, unless it has to wait for events before it. */
  #tell(): void {
    const { show, now, onshown } = this.#hooks;
    // It goes into the commit of the queued events, or is shown once those in flight were passed on.
    if (show && (this.#queue.size > 0 || !this.#progress.level)) return;
    // Ids that were shown but not stored are skipped when a task is taken over from its owner.
    const { task: { owner }, record: { seq } } = this.#current;
    if (!show || owner === null || this.lost || !this.#progress.allows(seq, now())) {
      return this.#change();
    }
    // Nobody watches, so it need not even be rendered before it is stored.
    if (!this.#hooks.watched()) return onshown();
    const event = this.#progressEvent(this.#current.nextSeq());
    this.#writes.change();
    if (this.#progress.show(event, now())) onshown();
    show(event);
  }

  #progressEvent(seq: number): TaskEvent {
    return this.#current.event("progress", seq, withSeq(this.#current.json, seq));
  }

  #part(picked: Picked, shown: TaskEvent | null, progress: TaskEvent | null, more: boolean): Part {
    if (progress !== null) {
      this.#current.nextSeq();
      this.#progress.waits = false;
    }
    if (!more) this.#writes.render();
    const after = !more ? this.#current.task : picked.last?.after ?? null;
    const part: Required<Part> = { checks: [], sets: [], deletes: [], events: [], more };
    if (after !== null) { for (const { events = [] } of this.#extra) part.events.push(...events); }
    // Progress or a state change after it in the same commit replaces it.
    const newer = progress !== null || picked.events.some(({ type }) => type === "message");
    if (shown !== null && !newer) part.events.push(shown);
    part.events.push(...picked.events);
    if (progress !== null) part.events.push(progress);
    const tells = progress !== null || picked.count > 0 || this.#extra.length > 0;
    this.#progress.render(part.events.at(-1)?.seq ?? 0, tells);
    this.#unfolded.add(picked.events);
    if (after !== null && this.#mustFold(picked)) {
      this.#fold(part, after, picked);
    } else if (part.events.length > 0) {
      this.#note(true);
    }
    return part;
  }

  #mustFold({ heavy }: Picked): boolean {
    return heavy || this.#foldDue || this.#extra.length > 0 || this.head.check !== null ||
      this.#unfolded.bytes > MAX_UNFOLDED || !this.head.isRecent(this.#hooks.now());
  }

  /** Folds everything into the task's own keys: the task as it is after the part's events. */
  #fold(part: Required<Part>, after: Task, { last: lastPicked, parts }: Picked): void {
    const { task_id: id, kind, status, seq } = after.record;
    if (this.head.check) part.checks.push(this.head.check);
    this.#unfolded.fold(id, part, after.checkpointed && status !== "completed");
    const json = after === this.#current.task ? this.#current.json : undefined;
    this.head.render(part, after, lastPicked?.result ?? null, this.#hooks.now(), json);
    for (const { checks = [], sets = [], deletes = [] } of [...parts, ...this.#extra.splice(0)]) {
      part.checks.push(...checks);
      part.sets.push(...sets);
      part.deletes.push(...deletes);
    }
    part.events = part.events.filter(({ type }) => type !== "checkpoint");
    const last = part.events.at(-1)?.type;
    // A state change implies it.
    const told = last === undefined ? !this.#pending : isChange(last);
    if (!told) part.events.push(foldedEvent(id, kind, seq));
    this.folded = after;
    this.#foldDue = false;
    this.#note(false);
  }

  #note(pending: boolean): void {
    this.#pending = pending;
    this.#hooks.onpending(pending);
  }
}

/** Says that a task's own keys hold all that the journal has of it up to a `seq`. */
function foldedEvent(id: string, kind: string, seq: number): TaskEvent {
  return { type: "folded", id, kind, seq, json: "{}" };
}
