/**
 * Keeps a task's stored rows under a bound: the oldest log and output rows go, state changes stay.
 *
 * @module
 */

import { keys } from "../kv/keys.ts";
import { encodeRows, parseRows, rowSize } from "../kv/event_text.ts";
import { isChange, type Row } from "../task/event.ts";
import type { LiveTask } from "./live_task.ts";

/** What of a task's log and output rows is kept. */
export interface RowBound {
  /** So many. */
  rows: number;
  /** Bytes they may take. */
  bytes: number;
}

/** How far the bound is passed before it is worth reading the oldest rows. */
const SLACK = 1.1;

/** Whether a task has so many rows that {@link trimRows} has work, and has not begun with it. */
export function needsTrim(live: LiveTask, { rows, bytes }: RowBound): boolean {
  if (live.trimming) return false;
  return live.task.rows > rows * SLACK + 64 || live.task.rowBytes > bytes * SLACK;
}

/** Keys removed at once, at most. */
const MAX_DELETES = 200;

/** Bytes removed at once, about: each value is a chain of pages to give back. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Values read at once: they are large, and others wait while they are parsed. */
const READ = 10;

/** Values written at once, at most. */
const MAX_SETS = 4;

/** Bytes of what stays put together in one value: it holds 64 KiB. */
const MAX_KEPT = 48 * 1024;

/**
 * Removes the oldest rows of a task that this process owns, in its next commit. Resolves when they
 * are gone: until then another look would find them again.
 */
export async function trimRows(kv: Deno.Kv, live: LiveTask, bound: RowBound): Promise<void> {
  if (live.trimming) return;
  live.trimming = true;
  try {
    await trim(kv, live, bound);
    await live.committed();
  } finally {
    live.trimming = false;
  }
}

async function trim(kv: Deno.Kv, live: LiveTask, bound: RowBound): Promise<void> {
  const excess = live.task.rows - bound.rows;
  const excessBytes = Math.min(live.task.rowBytes - bound.bytes, MAX_BYTES);
  let removed = 0;
  let removedBytes = 0;
  const enough = () => removed >= excess && removedBytes >= excessBytes;
  let { trimmed } = live.task;
  const deletes: Deno.KvKey[] = [];
  const sets: [Deno.KvKey, unknown, number][] = [];
  let kept: Row[] = [];
  let size = 0;
  const flush = () => {
    if (kept.length === 0) return;
    const bytes = encodeRows(kept);
    sets.push([keys.event(live.id, kept.at(-1)!.seq), bytes, bytes.length]);
    kept = [];
    size = 0;
  };
  const stored = kv.list<Uint8Array>({ prefix: keys.events(live.id) }, { batchSize: READ });
  for await (const { key, value } of stored) {
    if (enough() || removedBytes >= MAX_BYTES) break;
    if (deletes.length >= MAX_DELETES || sets.length >= MAX_SETS) break;
    const rows = parseRows(value);
    if (rows.every(isChange) && value.length > MAX_KEPT / 2) {
      // Enough of them lie together here already.
      flush();
      continue;
    }
    const stay = rows.filter((row) => {
      if (isChange(row) || enough()) return true;
      removed++;
      removedBytes += rowSize(row);
      trimmed = row.seq;
      return false;
    });
    const bytes = encodeRows(stay).length;
    if (size + bytes > MAX_KEPT) flush();
    kept.push(...stay);
    size += bytes;
    deletes.push(key);
  }
  flush();
  // Without a row among them they are put together, to be passed over the next time.
  if (removed === 0 && deletes.length < MAX_DELETES) return;
  live.trim(trimmed, removed, removedBytes, { deletes, sets });
}
