/**
 * Tasks of a store that was restored to an earlier moment. What happened since that moment is gone,
 * but clients have seen its ids, so none of them is used again. A task goes on with ids that are
 * larger than all it can have had, and remembers those in between as ids of a lost history.
 *
 * @module
 */

import type { LostIds, Task } from "./task.ts";

/**
 * The first id after a restore is its time in milliseconds times this. A task with more events per
 * millisecond than this since the restore before would repeat ids. They have 15 digits until 2286.
 */
const IDS_A_MS = 100;

/** The most gaps that a task remembers: beyond that, the two oldest are merged into one. */
const MAX_LOST = 8;

/**
 * A task as it continues after a restore.
 *
 * @param restoredAt When the newest restore was made, milliseconds since the epoch; 0 for none.
 */
export function afterRestore(task: Task, restoredAt: number): Task {
  const { record } = task;
  const first = restoredAt * IDS_A_MS;
  if (record.seq >= first - 1 || Date.parse(record.created_at) >= restoredAt) return task;
  const lostIds: LostIds[] = [...task.lostIds, [record.seq, first]];
  if (lostIds.length > MAX_LOST) {
    const [[after], [, before]] = lostIds.splice(0, 2) as [LostIds, LostIds];
    lostIds.unshift([after, before]);
  }
  return { ...task, lostIds, record: { ...record, seq: first - 1 } };
}

export function isLost(seq: number, lostIds: readonly LostIds[]): boolean {
  return lostIds.some(([after, before]) => seq > after && seq < before);
}
