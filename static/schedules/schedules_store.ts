/**
 * The schedules, loaded every few seconds while they are shown.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { hidden } from "../app/connection.ts";
import { getSchedules, type Schedule } from "./schedule.ts";

/** Milliseconds between two requests. */
const AGAIN_MS = 3000;

/** `null` until they are loaded. */
export const schedules = signal<readonly Schedule[] | null>(null);

/** Whether there are more than are shown. */
export const hasMore = signal(false);

/** The error of the last load; `null` if it succeeded. */
export const loadError = signal<string | null>(null);

let pages = 1;

export async function loadSchedules(): Promise<void> {
  try {
    const all: Schedule[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < pages; page++) {
      const { schedules: some, next_cursor }: Awaited<ReturnType<typeof getSchedules>> =
        await getSchedules(cursor);
      all.push(...some);
      cursor = next_cursor;
      if (cursor === null) break;
    }
    if (JSON.stringify(all) !== JSON.stringify(schedules.peek())) schedules.value = all;
    hasMore.value = cursor !== null;
    loadError.value = null;
  } catch (error) {
    loadError.value = (error as Error).message;
  }
}

export function loadMore(): Promise<void> {
  pages++;
  return loadSchedules();
}

/** Keeps the schedules up to date until the returned function is called. */
export function watchSchedules(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const look = async () => {
    if (!hidden.peek()) await loadSchedules();
    if (!over) timer = setTimeout(look, AGAIN_MS);
  };
  void look();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
