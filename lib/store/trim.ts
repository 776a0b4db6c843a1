/**
 * Keeps a task's stored rows under bounds, logs and outputs each under their own: the oldest ones go,
 * state changes stay.
 *
 * @module
 */

import { keys } from "../kv/keys.ts";
import { encodeRows, parseRows, rowSize } from "../kv/event_text.ts";
import { boundOf, isRow, type Row, type RowType } from "../task/event.ts";
import type { Task } from "../task/state.ts";
import type { LiveTask } from "./live_task.ts";

/** What of one type of rows is kept of each task. */
export interface RowBound {
  rows: number;
  /** Bytes that these rows may take. */
  bytes: number;
}

export type RowBounds = Readonly<Record<RowType, RowBound>>;

/** How far the bound is passed before it is worth reading the oldest rows. */
const SLACK = 1.1;

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

/** Up to which `seq` nothing of a type is left, and whether rows are being removed. */
interface Scan extends Record<RowType, number> {
  running: boolean;
}

export class RowTrimmer {
  readonly #kv: Deno.Kv;
  readonly #bounds: RowBounds;
  readonly #scans = new WeakMap<LiveTask, Scan>();

  constructor(kv: Deno.Kv, bounds: RowBounds) {
    this.#kv = kv;
    this.#bounds = bounds;
  }

  /**
   * Removes rows of a task that this process owns, some of the oldest, in its next commit.
   *
   * @returns Resolves when they are gone; `null` where there are not too many, or some are going.
   */
  trim(live: LiveTask): Promise<void> | null {
    const type = this.#excessive(live.folded);
    if (type === null || this.#scans.get(live)?.running) return null;
    return this.#trim(live, type);
  }

  #excessive(task: Task): RowType | null {
    for (const type of ["log", "output"] as const) {
      const { rows, bytes } = heldOf(task, type);
      const bound = this.#bounds[type];
      if (rows > bound.rows * SLACK + 64 || bytes > bound.bytes * SLACK) return type;
    }
    return null;
  }

  async #trim(live: LiveTask, type: RowType): Promise<void> {
    const scan = this.#scans.get(live) ?? { log: 0, output: 0, running: true };
    this.#scans.set(live, scan);
    scan.running = true;
    try {
      scan[type] = Math.max(scan[type], heldOf(live.task, type).trimmed);
      scan[type] = await removeOldest(this.#kv, live, type, this.#bounds[type], scan[type]);
      // Until then another look would find them again.
      await live.committed();
    } finally {
      scan.running = false;
    }
  }
}

/** How many rows of a type a task has stored, their bytes, and up to which `seq` they were removed. */
function heldOf(task: Task, type: RowType): { rows: number; bytes: number; trimmed: number } {
  const { rows, rowBytes, trimmed, outputs, outputBytes, trimmedOutputs } = task;
  return type === "output"
    ? { rows: outputs, bytes: outputBytes, trimmed: trimmedOutputs }
    : { rows: rows - outputs, bytes: rowBytes - outputBytes, trimmed };
}

/** @returns Up to where nothing of the type is left; it was `behind` before. */
async function removeOldest(
  kv: Deno.Kv,
  live: LiveTask,
  type: RowType,
  bound: RowBound,
  behind: number,
): Promise<number> {
  const held = heldOf(live.folded, type);
  const excess = held.rows - bound.rows;
  const excessBytes = Math.min(held.bytes - bound.bytes, MAX_BYTES);
  let removed = 0;
  let removedBytes = 0;
  let { trimmed } = held;
  const enough = () => removed >= excess && removedBytes >= excessBytes;
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
  const prefix = keys.events(live.id);
  const start = keys.event(live.id, behind + 1);
  for await (const { key, value } of kv.list<Uint8Array>({ prefix, start }, { batchSize: READ })) {
    if (enough() || removedBytes >= MAX_BYTES) break;
    if (deletes.length >= MAX_DELETES || sets.length >= MAX_SETS) break;
    const rows = parseRows(value);
    const stay = rows.filter((row) => {
      if (!isOf(row, type) || enough()) return true;
      removed++;
      removedBytes += rowSize(row);
      trimmed = row.seq;
      return false;
    });
    if (!stay.some((row) => isOf(row, type))) behind = rows.at(-1)!.seq;
    if (stay.length === rows.length) {
      flush();
      continue;
    }
    const bytes = encodeRows(stay).length;
    if (size + bytes > MAX_KEPT) flush();
    kept.push(...stay);
    size += bytes;
    deletes.push(key);
  }
  flush();
  if (removed > 0) live.trim(type, trimmed, removed, removedBytes, { deletes, sets });
  return behind;
}

function isOf(row: Row, type: RowType): boolean {
  return isRow(row.type) && boundOf(row.type) === type;
}
