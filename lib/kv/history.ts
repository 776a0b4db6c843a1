/**
 * The stored rows of a task: its log, outputs and state changes, in order.
 *
 * @module
 */

import { keys } from "./keys.ts";
import { isChange, type Row } from "../task/event.ts";
import { parseRows } from "./event_text.ts";
import type { Head } from "./head.ts";
import { Semaphore } from "../base/semaphore.ts";

/**
 * Reads the rows behind `after`, as they lie: a commit's rows at a time.
 *
 * @param after A `seq`; 0 for all.
 */
export async function* history(
  kv: Deno.Kv,
  id: string,
  after: number,
  batchSize = 20,
): AsyncGenerator<Row[]> {
  for await (const read of historyReads(kv, id, after, batchSize)) yield* read;
}

/** Bytes of one read, about: a reader that stops holds it until it is let go. */
const READ_BYTES = 128 * 1024;

/**
 * Reads under way at once: with as many as there are clients who want all there is, everybody else
 * would wait for a read of each of them.
 */
const turns = new Semaphore(4);

/** Values of the first read, before their size is known. */
const FIRST_READ = 2;

/**
 * The same, with what was read at one moment together: between two reads the oldest rows may have
 * been removed.
 *
 * @param most Values in one read, at the most, however small they are.
 */
export async function* historyReads(
  kv: Deno.Kv,
  id: string,
  after: number,
  most = 20,
): AsyncGenerator<Row[][]> {
  let limit = Math.min(FIRST_READ, most);
  while (true) {
    // A key bears the last `seq` of its rows, so the first key behind `after` may begin before it.
    const selector = { prefix: keys.events(id), start: keys.event(id, after + 1) };
    const values = await turns.run(() =>
      Array.fromAsync(kv.list<Uint8Array>(selector, { limit, batchSize: limit }))
    );
    const read: Row[][] = [];
    let bytes = 0;
    for (const { value } of values) {
      bytes += value.length;
      const rows = parseRows(value);
      const from = rows.findIndex((row) => row.seq > after);
      if (from >= 0) read.push(from === 0 ? rows : rows.slice(from));
    }
    after = read.at(-1)?.at(-1)?.seq ?? after;
    if (values.length > 0) yield read;
    if (values.length < limit) return;
    limit = Math.max(1, Math.min(most, Math.floor(READ_BYTES * values.length / bytes)));
  }
}

/** A page of rows. */
export interface Page {
  /** In order, and of one moment. */
  rows: Row[];
  /** Ask for the next page with this as `after`; `null` when there is none now. */
  next: number | null;
  /** Log and output rows up to this `seq` had been removed at that moment; 0 for none. */
  trimmed: number;
}

/** Characters of a page, about: one that nobody takes must not cost much. */
const MAX_PAGE = 512 * 1024;

/**
 * Reads at most `limit` rows behind `after`, fewer where they are large. What was removed while they
 * were read is left out, so that no page has a gap in its middle.
 *
 * @returns `null` when there is no such task.
 */
export async function historyPage(
  kv: Deno.Kv,
  id: string,
  after: number,
  limit: number,
): Promise<Page | null> {
  const { rows, next } = await readPage(kv, id, after, limit);
  const { value } = await kv.get<Head>(keys.task(id));
  if (value === null) return null;
  const { trimmed } = value;
  return { rows: rows.filter((row) => isChange(row) || row.seq > trimmed), next, trimmed };
}

async function readPage(
  kv: Deno.Kv,
  id: string,
  after: number,
  limit: number,
): Promise<Omit<Page, "trimmed">> {
  const rows: Row[] = [];
  let size = 0;
  for await (const batch of history(kv, id, after, 10)) {
    for (const row of batch) {
      if (rows.length === limit || size >= MAX_PAGE) return { rows, next: rows.at(-1)!.seq };
      rows.push(row);
      size += row.json.length;
    }
  }
  return { rows, next: null };
}
