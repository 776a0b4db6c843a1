/**
 * Keeps a task's stored rows under a bound: the oldest log and output rows go, state changes stay.
 *
 * @module
 */

import { keys } from "./keys.ts";
import { encodeRows, parseRows, type Row } from "./lines.ts";
import type { LiveTask } from "./live_task.ts";

/** Rows over the bound before it is worth reading the oldest ones. */
const SLACK = 1.1;

/** Whether a task has so many rows that {@link trimRows} has work. */
export function needsTrim(live: LiveTask, maxRows: number): boolean {
  return live.task.rows > maxRows * SLACK + 64;
}

/** Removes the oldest rows of a task that this process owns, in its next commit. */
export async function trimRows(kv: Deno.Kv, live: LiveTask, maxRows: number): Promise<void> {
  let excess = live.task.rows - maxRows;
  let removed = 0;
  let last = 0;
  const kept: Row[] = [];
  const deletes: Deno.KvKey[] = [];
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: keys.events(live.id) })) {
    if (excess <= 0 || deletes.length >= 200) break;
    const rows = parseRows(value);
    const changes = rows.filter((row) => row.type === "message" || row.type === "complete");
    kept.push(...changes);
    removed += rows.length - changes.length;
    excess -= rows.length - changes.length;
    last = Number(key[2]);
    deletes.push(key);
  }
  if (removed === 0) return;
  const piece = { deletes, sets: [] as [Deno.KvKey, unknown, number][] };
  if (kept.length > 0) {
    const bytes = encodeRows(kept);
    piece.sets.push([keys.event(live.id, kept.at(-1)!.seq), bytes, bytes.length]);
  }
  live.trim(last, removed, piece);
}
