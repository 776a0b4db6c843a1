/**
 * A task's stored rows as a file: all that the server has, not only those the page holds.
 *
 * @module
 */

import { getEvents } from "./task_api.ts";
import type { LogRow } from "./log_rows.ts";
import { rowOf, type TaskEvent } from "./task_state.ts";

/** Rows asked for at once: the most a server gives. */
const PAGE_ROWS = 1000;

/**
 * Reads all rows and makes a text of them, a line each.
 *
 * @param line Makes a line, or leaves a row out with `null`.
 * @param onrows Takes the number of rows read up to now.
 * @throws {ApiError} When the server refuses, or is away.
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
