/**
 * Removes rows under one bound from a task's own keys, some at a time: values that hold other rows
 * as well are written again without them.
 *
 * @module
 */

import { encodeRows, parseRows, rowSize } from "../kv/event_text.ts";
import { keys } from "../kv/keys.ts";
import { boundOf, type Row, type RowType } from "../task/event.ts";
import type { Part } from "./write.ts";

export interface Wanted {
  type: RowType;
  /** Only rows with a `seq` between the two, neither included. */
  after: number;
  before: number;
  /** Asked before each row: whether those taken are enough. @default {never} */
  enough?(taken: Taken): boolean;
}

/** The rows that are removed once `part` is committed. */
export interface Taken {
  type: RowType;
  rows: number;
  bytes: number;
  /** The `seq` of the newest one; 0 for none. */
  last: number;
  /** The `seq` up to which no wanted row is left. */
  behind: number;
  /** Whether there may be more wanted rows. */
  more: boolean;
  part: Required<Pick<Part, "deletes" | "sets">>;
}

/** Most keys removed at once. */
const MAX_DELETES = 200;

/** About the most bytes removed at once: SQLite has to free every page of a large value. */
export const MAX_BYTES: number = 2 * 1024 * 1024;

/** Values read at once: they are large, and parsing them blocks everything else. */
const READ = 10;

/** Once so many values are to be written, no more are read; what stays may need one more. */
const MAX_SETS = 4;

/** Bytes of rows that stay, put together in one value: it holds 64 KiB. */
const MAX_KEPT = 48 * 1024;

/** Reads a task's stored rows after a `seq`, and returns the part that removes the wanted ones. */
export async function takeRows(
  kv: Deno.Kv,
  id: string,
  { type, after, before, enough = () => false }: Wanted,
): Promise<Taken> {
  const part: Taken["part"] = { deletes: [], sets: [] };
  const taken: Taken = { type, rows: 0, bytes: 0, last: 0, behind: after, more: false, part };
  const { deletes, sets } = part;
  let kept: Row[] = [];
  let size = 0;
  const flush = () => {
    if (kept.length === 0) return;
    const bytes = encodeRows(kept);
    sets.push([keys.event(id, kept.at(-1)!.seq), bytes, bytes.length]);
    kept = [];
    size = 0;
  };
  const isWanted = ({ type, seq }: Row) =>
    boundOf(type) === taken.type && seq > after && seq < before;
  const selector = { prefix: keys.events(id), start: keys.event(id, after + 1) };
  for await (const { key, value } of kv.list<Uint8Array>(selector, { batchSize: READ })) {
    if (enough(taken) || taken.behind >= before) break;
    taken.more = deletes.length >= MAX_DELETES || sets.length >= MAX_SETS ||
      taken.bytes >= MAX_BYTES;
    if (taken.more) break;
    const rows = parseRows(value);
    const stay = rows.filter((row) => {
      if (!isWanted(row) || enough(taken)) return true;
      taken.rows++;
      taken.bytes += rowSize(row);
      taken.last = row.seq;
      return false;
    });
    if (!stay.some(isWanted)) taken.behind = rows.at(-1)!.seq;
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
  return taken;
}
