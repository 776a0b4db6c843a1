/**
 * A log of bounded length, in chunks: an appended row changes the last chunk only, so that a view
 * of ten thousand rows draws a hundred of them anew.
 *
 * @module
 */

import type { Status } from "../lib/record.ts";

/** A row of a task's log. */
export type LogRow =
  & {
    /** Its place among the task's events. */
    readonly seq: number;
    /** ISO 8601. */
    readonly time: string;
  }
  & (
    | {
      readonly type: "log";
      readonly level: string;
      readonly message: string;
      /** Further fields; `null` where there are none. */
      readonly data: unknown;
    }
    | { readonly type: "output"; readonly data: unknown }
    | { readonly type: "state"; readonly status: Status; readonly attempt: number }
  );

/** Rows that belong together in the view. */
export interface LogChunk {
  /** Names it among the chunks of its log. */
  readonly id: number;
  /** Oldest first. */
  readonly rows: readonly LogRow[];
}

/** See the module. Never changed, only replaced. */
export interface LogRows {
  /** Oldest first. */
  readonly chunks: readonly LogChunk[];
  /** Rows kept. */
  readonly count: number;
  /** Rows given up, since newer ones came. */
  readonly dropped: number;
  /** `seq` of the newest row; 0 before the first. */
  readonly lastSeq: number;
}

/** Rows in a chunk. */
export const CHUNK_ROWS = 100;

/** Rows kept at the most; whole chunks are given up. */
export const MAX_ROWS = 5000;

/** No row. */
export const NO_ROWS: LogRows = { chunks: [], count: 0, dropped: 0, lastSeq: 0 };

/** Appends rows, oldest first. Rows that are there already, by their `seq`, are left out. */
export function appendRows(log: LogRows, rows: readonly LogRow[]): LogRows {
  const chunks = [...log.chunks];
  let { count, dropped, lastSeq } = log;
  let open: LogRow[] | null = null;
  for (const row of rows) {
    if (row.seq <= lastSeq) continue;
    lastSeq = row.seq;
    count++;
    const last = chunks.at(-1);
    if (open === null || open.length === CHUNK_ROWS) {
      const full = last === undefined || last.rows.length === CHUNK_ROWS;
      open = full ? [] : [...last.rows];
      const chunk = { id: full ? (last?.id ?? 0) + 1 : last.id, rows: open };
      if (full) chunks.push(chunk);
      else chunks[chunks.length - 1] = chunk;
    }
    open.push(row);
  }
  if (lastSeq === log.lastSeq) return log;
  while (count > MAX_ROWS) {
    const { length } = chunks.shift()!.rows;
    count -= length;
    dropped += length;
  }
  return { chunks, count, dropped, lastSeq };
}
