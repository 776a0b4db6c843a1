/**
 * The keys that lead to a task beside its own: index, queue and slot. They move as its state does.
 *
 * @module
 */

import { type Key, keys, keyText } from "../kv/keys.ts";
import { rankKey, rankOf } from "../kv/rank.ts";
import { isFinished, type Status } from "../task/record.ts";
import type { Task } from "../task/state.ts";
import type { Part } from "./write.ts";

export interface IndexKeys {
  /** Under which it is listed. */
  status: Status;
  /** Where it waits, if it does. */
  queue: Key | null;
  /** Its slot under its kind's concurrency, if it has one. */
  slot: number | null;
}

/** What has to lead to a task as it is. */
export function indexKeysOf({ record, slot }: Task): IndexKeys {
  const { status } = record;
  return { status, queue: status === "pending" ? rankKey(rankOf(record)) : null, slot };
}

/**
 * Puts into `part` what takes the keys from where they are in the store to where they belong.
 *
 * @param before As the store has them; `null` for a task it does not know.
 * @returns As it will have them.
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
  if (before?.status !== status) {
    if (before) deletes.push(keys.index(kind, before.status, id));
    sets.push([keys.index(kind, status, id), null, 8]);
    if (status === "completed" && task.checkpointed) deletes.push(keys.checkpoint(id));
    // A cancel that was asked for is done with, and is not meant for the task when it is retried.
    if (before && isFinished(before.status)) deletes.push(keys.cancel(id));
  }
  const moved = (before?.queue && keyText(before.queue)) !== (queue && keyText(queue));
  if (moved && before?.queue) deletes.push(before.queue);
  if (moved && queue) sets.push([queue, null, 8]);
  if (slot !== (before?.slot ?? null)) {
    if (before && before.slot !== null) deletes.push(keys.slot(kind, before.slot));
    if (slot !== null) {
      checks.push({ key: keys.slot(kind, slot), versionstamp: null });
      sets.push([keys.slot(kind, slot), id, 64]);
    }
  }
  return after;
}
