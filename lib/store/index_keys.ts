/**
 * The keys that lead to a task, beside its own: those of index, queue, slot and debounce, of its
 * schedule and its parent, and of the uploads that it holds. They change with its state.
 *
 * @module
 */

import { type Indexed, type Key, keys, keyText, OWN_EXPIRY } from "../kv/keys.ts";
import { rankKey, rankOf, rankValue } from "../kv/rank.ts";
import { changeHolds } from "../kv/upload_life.ts";
import { type ChildState, childStateOf, type GroupedChild } from "../task/child.ts";
import { isFinished, isQueued, type Status, type TaskRecord } from "../task/record.ts";
import { type Expiry, expiryOf } from "../task/retention.ts";
import type { Task } from "../task/task.ts";
import type { Part } from "./write.ts";

export interface IndexKeys {
  /** The status that it is listed under. */
  status: Status;
  /** How long it is kept; `null` before its end. */
  expiry: Expiry | null;
  /** Its place in the queue, if it has one. */
  queue: Key | null;
  /** Its slot under its kind's concurrency, if it has one. */
  slot: Key | null;
  /** The key under which debounced submits find it, if any. */
  debounce: Key | null;
  /** Its state in its parent's group, if it is a child. */
  child: ChildState | null;
  /** Uploads that it holds: those it names, until it ends. */
  uploads: readonly string[];
}

const NONE: readonly string[] = [];

/** The keys that must lead to a task in its present state. */
export function indexKeysOf(task: Task): IndexKeys {
  const { record, child } = task;
  const { status } = record;
  const debounce = task.debounce === undefined ? null : keys.debounce(record.kind, task.debounce);
  const slot = task.slot === null ? null : keys.slot(task.slotName ?? record.kind, task.slot);
  const expiry = expiryOf(task);
  const queue = isQueued(record) ? rankKey(rankOf(record)) : null;
  const uploads = isFinished(status) ? NONE : task.uploads ?? NONE;
  return {
    status,
    expiry,
    queue,
    slot,
    debounce,
    child: child ? childStateOf(record) : null,
    uploads,
  };
}

/**
 * Adds to `part` the changes from the index keys in the store to those that the task has to have.
 *
 * @param before The keys in the store; `null` for a new task.
 * @returns The keys once `part` is committed.
 */
export function moveIndexKeys(
  part: Required<Part>,
  task: Task,
  before: IndexKeys | null,
): IndexKeys {
  const { task_id: id, kind } = task.record;
  const { checks, sets, deletes } = part;
  const after = indexKeysOf(task);
  const { status, queue, slot } = after;
  if (!before) { for (const key of setKeysOf(task.record, task)) sets.push([key, null, 8]); }
  const { expiry } = after;
  const last = untilIn(before?.expiry);
  const until = untilIn(expiry);
  if (last !== null && last !== until) deletes.push(keys.expires(last, id));
  if (until !== null && last !== until) sets.push([keys.expires(until, id), null, 8]);
  if (before?.status !== status || endedIn(before.expiry) !== endedIn(expiry)) {
    sets.push([keys.index(kind, status, id), indexedAs(task.record, expiry), 32]);
  }
  if (before?.status !== status) {
    if (before) deletes.push(keys.index(kind, before.status, id));
    if (status === "completed" && task.checkpointed) deletes.push(keys.checkpoint(id));
    // A cancel that was asked for before the task ended must not stop it when it is retried.
    if (before && isFinished(before.status)) deletes.push(keys.cancel(id));
  }
  const { child } = task;
  if (child && after.child !== null && before?.child !== after.child) {
    const grouped: GroupedChild = { id, state: after.child };
    sets.push([keys.child(child.parent, child.name, child.index), grouped, 64]);
  }
  const holds = before?.uploads ?? NONE;
  if (holds !== after.uploads) {
    const now = Date.parse(task.record.updated_at);
    const moved = changeHolds(id, { before: holds, after: after.uploads, now });
    sets.push(...moved.sets);
    deletes.push(...moved.deletes);
  }
  const held = before !== null && !isFinished(before.status);
  if (held === isFinished(status)) {
    const { schedule_id } = task.record;
    const scheduled = schedule_id === undefined ? null : keys.scheduled(schedule_id, id);
    if (scheduled && held) deletes.push(scheduled);
    else if (scheduled) sets.push([scheduled, null, 8]);
  }
  const moved = (before?.queue && keyText(before.queue)) !== (queue && keyText(queue));
  if (moved && before?.queue) deletes.push(before.queue);
  if (moved && queue) {
    const value = rankValue(rankOf(task.record));
    sets.push([queue, value, 8 + (value?.length ?? 0) * 2]);
  }
  if (before?.debounce && !after.debounce) deletes.push(before.debounce);
  if (!before && after.debounce) sets.push([after.debounce, id, 64]);
  if ((slot && keyText(slot)) !== (before?.slot ? keyText(before.slot) : null)) {
    if (before?.slot) deletes.push(before.slot);
    if (slot !== null) {
      checks.push({ key: slot, versionstamp: null });
      sets.push([slot, id, 64]);
    }
  }
  return after;
}

/** Until when a task is kept, in epoch milliseconds; `null` for ever, or up to the settings. */
export function untilIn(expiry: Expiry | null | undefined): number | null {
  return typeof expiry === "object" ? expiry?.until ?? null : null;
}

function endedIn(expiry: Expiry | null): Indexed["ended"] {
  return typeof expiry === "object" ? (expiry ? OWN_EXPIRY : undefined) : expiry;
}

function indexedAs({ parent_id }: TaskRecord, expiry: Expiry | null): Indexed | null {
  const ended = endedIn(expiry);
  if (parent_id === undefined && ended === undefined) return null;
  return {
    ...(parent_id === undefined ? {} : { child: true }),
    ...(ended === undefined ? {} : { ended }),
  };
}

/** The keys that lead to a task all its life: by its submitter, owner, tags and parent. */
export function setKeysOf(
  { task_id: id, owner, tags = [], parent_id }: TaskRecord,
  { submitter }: { submitter?: string | undefined },
): Key[] {
  return [
    ...(submitter === undefined ? [] : [keys.submitted(submitter, id)]),
    ...(owner === undefined ? [] : [keys.owned(owner, id)]),
    ...tags.map((tag) => keys.tagged(tag, id)),
    ...(parent_id === undefined ? [] : [keys.children(parent_id, id)]),
  ];
}
