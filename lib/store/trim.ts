/**
 * Keeps a task's stored rows under a bound: the oldest log and output rows go, state changes stay.
 *
 * @module
 */

import { keys } from "../kv/keys.ts";
import { encodeRows, parseRows } from "../kv/event_text.ts";
import { isChange, type Row } from "../task/event.ts";
import type { LiveTask } from "./live_task.ts";

/** Rows over the bound before it is worth reading the oldest ones. */
const SLACK = 1.1;

/** Whether a task has so many rows that {@link trimRows} has work, and has not begun with it. */
export function needsTrim(live: LiveTask, maxRows: number): boolean {
  return !live.trimming && live.task.rows > maxRows * SLACK + 64;
}

/** Keys removed at once, at the most. */
const MAX_DELETES = 200;

/** Values written at once, at the most. */
const MAX_SETS = 4;

/** Bytes of what stays put together in one value: it holds 64 KiB. */
const MAX_KEPT = 48 * 1024;

/**
 * Removes the oldest rows of a task that this process owns, in its next commit. Resolves when they
 * are gone: until then another look would find them again.
 */
export async function trimRows(kv: Deno.Kv, live: LiveTask, maxRows: number): Promise<void> {
  if (live.trimming) return;
  live.trimming = true;
  try {
    await trim(kv, live, maxRows);
    await live.committed();
  } finally {
    live.trimming = false;
  }
}

async function trim(kv: Deno.Kv, live: LiveTask, maxRows: number): Promise<void> {
  const excess = live.task.rows - maxRows;
  let removed = 0;
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
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: keys.events(live.id) })) {
    if (removed >= excess || deletes.length >= MAX_DELETES || sets.length >= MAX_SETS) break;
    const rows = parseRows(value);
    if (rows.every(isChange) && value.length > MAX_KEPT / 2) {
      // Enough of them lie together here already.
      flush();
      continue;
    }
    const stay = rows.filter((row) => {
      if (isChange(row) || removed >= excess) return true;
      removed++;
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
  live.trim(trimmed, removed, { deletes, sets });
}
