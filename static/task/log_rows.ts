/**
 * A log of bounded length, in chunks: an appended row changes the last chunk only, so that a view
 * of ten thousand rows redraws a hundred of them.
 *
 * @module
 */

import type { Status, TaskError } from "../../lib/task/record.ts";

interface Placed {
  /** Its place among the task's events. */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
}

export interface LoggedRow extends Placed {
  readonly type: "log";
  /** `debug` to `error`. */
  readonly level: string;
  readonly message: string;
  /** Further fields, as JSON; `null` for none. */
  readonly data: string | null;
}

export interface OutputRow extends Placed {
  readonly type: "output";
  readonly data: unknown;
  /** The value, as JSON. */
  readonly text: string;
}

/** Earlier outputs no longer count. */
export interface RewindRow extends Placed {
  readonly type: "rewind";
}

export interface StateRow extends Placed {
  readonly type: "state";
  /** The status from then on. */
  readonly status: Status;
  /** The current attempt, or the last one. */
  readonly attempt: number;
  /** Whether it runs and was asked to stop. */
  readonly canceling: boolean;
  readonly error: TaskError | null;
  /** The earliest time of its next start, ISO 8601. */
  readonly runAt: string;
  /** Who asked for it; `null` for nobody, or if the server does not name users. */
  readonly by: string | null;
}

export type LogRow = LoggedRow | OutputRow | RewindRow | StateRow;

/** Rows that belong together in the view. */
export interface LogChunk<Row extends LogRow = LogRow> {
  /** Unique among the chunks of the log. */
  readonly id: number;
  /** Oldest first. */
  readonly rows: readonly Row[];
  /** Characters of their texts. */
  readonly size: number;
}

/** Never changed, only replaced. */
export interface LogRows<Row extends LogRow = LogRow> {
  /** Oldest first. */
  readonly chunks: readonly LogChunk<Row>[];
  readonly count: number;
  /** Characters of their texts. */
  readonly size: number;
  /** Rows dropped in favor of newer ones. */
  readonly dropped: number;
  /** `seq` of the newest row; 0 before the first. */
  readonly lastSeq: number;
}

/** Rows in a chunk. */
export const CHUNK_ROWS = 100;

/** Rows kept at most, a little more than the server keeps. Beyond it whole chunks are dropped. */
export const MAX_ROWS = 12_000;

/** Characters kept at most: rows may be large. */
export const MAX_SIZE = 16_000_000;

export const NO_ROWS: LogRows<never> = { chunks: [], count: 0, size: 0, dropped: 0, lastSeq: 0 };

/** Appends rows, oldest first, except those that are there already, by their `seq`. */
export function appendRows<Row extends LogRow>(
  log: LogRows<Row>,
  rows: readonly Row[],
): LogRows<Row> {
  const chunks = [...log.chunks];
  let { count, size, dropped, lastSeq } = log;
  let open: { id: number; rows: Row[]; size: number } | null = null;
  for (const row of rows) {
    if (row.seq <= lastSeq) continue;
    lastSeq = row.seq;
    if (open === null || open.rows.length === CHUNK_ROWS) {
      const last = chunks.at(-1);
      if (last === undefined || last.rows.length === CHUNK_ROWS) {
        chunks.push(open = { id: (last?.id ?? 0) + 1, rows: [], size: 0 });
      } else {
        chunks[chunks.length - 1] = open = { ...last, rows: [...last.rows] };
      }
    }
    const own = sizeOf(row);
    open.rows.push(row);
    open.size += own;
    count++;
    size += own;
  }
  if (lastSeq === log.lastSeq) return log;
  while (count > MAX_ROWS || (size > MAX_SIZE && chunks.length > 1)) {
    const first = chunks.shift()!;
    count -= first.rows.length;
    size -= first.size;
    dropped += first.rows.length;
  }
  return { chunks, count, size, dropped, lastSeq };
}

/** Removes the outputs after a `seq`. All other rows stay. */
export function takeBack<Row extends LogRow>(log: LogRows<Row>, after: number): LogRows<Row> {
  const stays = ({ type, seq }: LogRow) => type !== "output" || seq <= after;
  let { count, size } = log;
  const chunks = log.chunks.flatMap((chunk) => {
    const rows = chunk.rows.filter(stays);
    if (rows.length === chunk.rows.length) return [chunk];
    const left = rows.reduce((sum, row) => sum + sizeOf(row), 0);
    count -= chunk.rows.length - rows.length;
    size -= chunk.size - left;
    return rows.length === 0 ? [] : [{ ...chunk, rows, size: left }];
  });
  return count === log.count ? log : { ...log, chunks, count, size };
}

function sizeOf(row: LogRow): number {
  if (row.type === "output") return row.text.length;
  return row.type === "log" ? row.message.length + (row.data?.length ?? 0) : 0;
}
