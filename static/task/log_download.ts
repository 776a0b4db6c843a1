/**
 * A task's stored rows as a file: all that the server has, not only those that the page holds.
 *
 * @module
 */

import { getEvents } from "./task_api.ts";
import type { LogRow } from "./log_rows.ts";
import { rowOf, type TaskEvent } from "./task_state.ts";

/** Rows in a request: the most that the server allows. */
const PAGE_ROWS = 1000;

/**
 * Reads all rows into a text of one line each.
 *
 * @param line Formats a row; `null` leaves it out.
 * @param onrows Called with the number of rows read so far.
 * @throws {ApiError} If the server refuses, or is unreachable.
 */
export async function readRows(
  id: string,
  line: (row: LogRow) => string | null,
  onrows: (count: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: string[] = [];
  let count = 0;
  for (let after: number | null = 0; after !== null;) {
    const page = await getEvents(id, after, PAGE_ROWS);
    signal.throwIfAborted();
    for (const { event, data } of page.events) {
      const row = rowOf({ type: event, data } as Pick<TaskEvent, "type" | "data">);
      const text = row && line(row);
      if (text !== null) parts.push(text, "\n");
    }
    count += page.events.length;
    after = page.next_after;
    onrows(count);
  }
  return new Blob(parts, { type: "text/plain;charset=utf-8" });
}
