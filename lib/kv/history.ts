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

/** Most values in the first read, when their size is not known, and in any other. */
const FIRST_VALUES = 2;
const MAX_VALUES = 20;

/** Reads the rows of a task, pending ones included, in batches, to bound what it holds in memory. */
export class RowReader {
  readonly #kv: Deno.Kv;
  readonly #id: string;
  readonly #states: PendingStates;
  readonly #most: number;
  #values: number;

  /** `most` bounds the values in one read, however small they are. */
  constructor(kv: Deno.Kv, id: string, states: PendingStates, most: number = MAX_VALUES) {
    this.#kv = kv;
    this.#id = id;
    this.#states = states;
    this.#most = most;
    this.#values = Math.min(FIRST_VALUES, most);
  }

  /**
   * Reads rows after `after`, grouped by the commit that stored them. To be called in a turn of
   * {@link catchUp}.
   */
  async read(after: number): Promise<{ commits: Row[][]; more: boolean }> {
    const limit = this.#values;
    using pending = this.#states.open();
    // A key has the last `seq` of its rows, so the first value may begin with rows up to `after`.
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
 * Reads the rows after `after`, a commit's rows at a time.
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
  /** In order, as of one moment. */
  rows: Row[];
  /** The `after` of the next page; `null` if there is none now. */
  next: number | null;
  /** The `seq` of the newest log or output row that was removed by then; 0 for none. */
  trimmed: number;
}

/** Characters of a page, about: it is held in memory until the client has read it. */
const MAX_PAGE = 512 * 1024;

/**
 * Reads at most `limit` rows after `after`, fewer if they are large. What was removed while they were
 * read is left out, so that no page has a gap in its middle.
 *
 * @returns `null` if there is no such task.
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
