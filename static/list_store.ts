/**
 * The list's state: what is known of all tasks, which of them are shown, and the stream that feeds
 * it.
 *
 * @module
 */

import { computed, signal } from "@preact/signals";
import type { TaskRecord } from "../lib/record.ts";
import * as api from "./api.ts";
import { observeTime } from "./clock.ts";
import { onconnection } from "./connection.ts";
import {
  addPage,
  type Filter,
  type ListEvent,
  NO_TASKS,
  reachOf,
  reduceList,
  shownTasks,
} from "./list_state.ts";
import { openLive } from "./live.ts";

/** All tasks, as far as known. */
export const list = signal(NO_TASKS);

/** Which of them are shown. */
export const filter = signal<Filter>("all");

/** Those, newest first. */
export const shown = computed(() => shownTasks(list.value, filter.value));

/** Whether there are older ones to load. */
export const hasMore = computed(() => typeof reachOf(list.value, filter.value) === "string");

/** A page of older ones is on its way. */
export const loadingMore = signal(false);

const PAGE_TASKS = "100";

let listLastEventId = "";

/** Shows the tasks of a state, or all. */
export function setFilter(next: Filter): void {
  filter.value = next;
  if (next !== "all" && shown.value.length < Number(PAGE_TASKS)) void loadMore();
}

/** Loads older tasks. */
export async function loadMore(): Promise<void> {
  const wanted = filter.peek();
  const cursor = reachOf(list.peek(), wanted);
  if (cursor === null || loadingMore.peek()) return;
  loadingMore.value = true;
  try {
    const page = await api.getTasks({
      limit: PAGE_TASKS,
      ...(wanted === "all" ? {} : { status: wanted }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    list.value = addPage(list.peek(), wanted, page.tasks, page.next_cursor);
  } catch {
    // The stream tells that the server is away, and the button is still there.
  } finally {
    loadingMore.value = false;
  }
}

/** A task is no more. */
export function forget(id: string): void {
  list.value = reduceList(list.peek(), [{ type: "deleted", data: { task_id: id } }]);
}

/** Opens the stream of all tasks; returns how to close it. */
export function watchList(): () => void {
  const close = openLive({
    url: "/tasks/stream",
    lastEventId: list.peek().loaded ? listLastEventId : "",
    events: ["snapshot", "reset", "message", "deleted"],
    batchMs: 120,
    onconnection,
    onevents(events) {
      listLastEventId = events.at(-1)!.id;
      for (const event of events) {
        if (event.type === "message") observeTime((event.data as TaskRecord).updated_at);
      }
      list.value = reduceList(list.peek(), events as unknown as ListEvent[]);
      const anew = events.some(({ type }) => type === "snapshot" || type === "reset");
      if (anew && filter.peek() !== "all") void loadMore();
    },
    onrefused: () => api.readSession().catch(() => true),
  });
  return () => {
    close();
    onconnection("idle");
  };
}
