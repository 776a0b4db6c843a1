/**
 * The stored rows of a task: its log, outputs and state changes, in order.
 *
 * @module
 */

import { catchUp, READ_BYTES } from "./catch_up.ts";
import { keys } from "./keys.ts";
import type { Row } from "../task/event.ts";
import { parseRows } from "./event_text.ts";
import { type Head, isKept, trimmedOf } from "./head.ts";
import { NOTHING_PENDING, type PendingStates } from "./pending_state.ts";

/** Values of the first read, before their size is known, and of any. */
const FIRST_VALUES = 2;
const MAX_VALUES = 20;

/** Reads the rows of a task, the pending ones too, a little at a time: what a reader holds of them is bounded. */
export class RowReader {
  readonly #kv: Deno.Kv;
  readonly #id: string;
  readonly #states: PendingStates;
  readonly #most: number;
  #values: number;

  /** `most` values in one read, at most, however small they are. */
  constructor(kv: Deno.Kv, id: string, states: PendingStates, most: number = MAX_VALUES) {
    this.#kv = kv;
    this.#id = id;
    this.#states = states;
    this.#most = most;
    this.#values = Math.min(FIRST_VALUES, most);
  }

  /**
   * Reads rows behind `after`, as they lie: a commit's rows at a time. To be called in a turn of
   * {@link catchUp}.
   */
  async read(after: number): Promise<{ commits: Row[][]; more: boolean }> {
    const limit = this.#values;
    using pending = this.#states.open();
    // A key bears the last `seq` of its rows, so the first key behind `after` may begin before it.
    const selector = { prefix: keys.events(this.#id), start: keys.event(this.#id, after + 1) };
    const values = await Array.fromAsync(
      this.#kv.list<Uint8Array>(selector, { limit, batchSize: limit }),
    );
    const commits: Row[][] = [];
    let bytes = 0;
    for (const { value } of values) {
      bytes += value.length;
      const rows = parseRows(value);
      const from = rows.findIndex((row) => row.seq > after);
      if (from >= 0) commits.push(from === 0 ? rows : rows.slice(from));
    }
    const more = values.length === limit;
    if (more) {
      const fit = Math.floor(READ_BYTES * values.length / bytes);
      this.#values = Math.max(1, Math.min(this.#most, fit));
    } else {
      const last = commits.at(-1)?.at(-1)?.seq ?? after;
      const rows = pending.get(this.#id)?.rows.filter(({ seq }) => seq > last) ?? [];
      if (rows.length > 0) commits.push(rows);
    }
    return { commits, more };
  }
}

/**
 * Reads the rows behind `after`, a commit's rows at a time.
 *
 * @param after A `seq`; 0 for all.
 */
export async function* history(
  kv: Deno.Kv,
  id: string,
  after: number,
  states: PendingStates = NOTHING_PENDING,
  most?: number,
): AsyncGenerator<Row[]> {
  const reader = new RowReader(kv, id, states, most);
  while (true) {
    const { commits, more } = await catchUp(() => reader.read(after));
    after = commits.at(-1)?.at(-1)?.seq ?? after;
    yield* commits;
    if (!more) return;
  }
}

export interface Page {
  /** In order, and of one moment. */
  rows: Row[];
  /** Ask for the next page with this as `after`; `null` when there is none now. */
  next: number | null;
  /** The newest log or output row that had been removed at that moment; 0 for none. */
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
  states: PendingStates = NOTHING_PENDING,
): Promise<Page | null> {
  const { rows, next } = await readPage(kv, id, after, limit, states);
  const { value } = await kv.get<Head>(keys.task(id));
  if (value === null) return null;
  return { rows: rows.filter((row) => isKept(row, value)), next, trimmed: trimmedOf(value) };
}

async function readPage(
  kv: Deno.Kv,
  id: string,
  after: number,
  limit: number,
  states: PendingStates,
): Promise<Omit<Page, "trimmed">> {
  const rows: Row[] = [];
  let size = 0;
  for await (const batch of history(kv, id, after, states, 10)) {
    for (const row of batch) {
      if (rows.length === limit || size >= MAX_PAGE) return { rows, next: rows.at(-1)!.seq };
      rows.push(row);
      size += row.json.length;
    }
  }
  return { rows, next: null };
}
