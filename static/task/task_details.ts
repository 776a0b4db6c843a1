/**
 * What the open task's record leaves out: its input, checkpoint, process and place in the queue. No
 * event tells of them, so they are polled: rarely while updates arrive, often while the task is
 * pending or sends none, and never after its end.
 *
 * @module
 */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { TaskRecord } from "../../lib/task/record.ts";
import { getDetails, type TaskDetails } from "./task_api.ts";
import { stateOf } from "../client/event_queue.ts";
import { now } from "../app/clock.ts";
import { connection, hidden } from "../app/connection.ts";
import { withTrace } from "./samples.ts";
import { isFinished } from "./task_state.ts";
import { task } from "./task_store.ts";

/** Milliseconds between two requests, which {@link pace} picks by the state of the task. */
const CALM_MS = 4000;
const WAITING_MS = 1500;
const SILENT_MS = 700;

/** Milliseconds without an update, after which requests become frequent, and then less so. */
const QUIET_MS = 1500;
const LONG_QUIET_MS = 20_000;

/** The last response, and when it arrived by the client's clock; `null` before the first. */
export const details = signal<{ data: TaskDetails; at: number } | null>(null);

/** The progress over time: what the page has seen, and the server's trace of the rest. */
export const samples = computed(() => {
  const { samples: seen, record } = task.value;
  const known = details.value?.data;
  const trace = known && known.task_id === record?.task_id ? known.trace : null;
  return trace === null ? seen : withTrace(seen, trace);
});

/** The task and its state: the details are loaded at once when it changes. */
export const told = computed(() => {
  const { record } = task.value;
  return record === null ? null : `${record.task_id} ${stateOf(record)}`;
});

/** Keeps the details of a task up to date; returns how to stop. */
export function watchDetails(id: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let again = false;
  let stopped = false;
  if (details.peek()?.data.task_id !== id) details.value = null;

  async function ask(): Promise<void> {
    clearTimeout(timer);
    again = busy;
    if (busy || stopped) return;
    busy = true;
    try {
      const data = await getDetails(id);
      if (!stopped) details.value = { data, at: Date.now() };
    } catch {
      // The task is gone, or the server unreachable: the page learns that from the feed.
    }
    busy = false;
    if (again) return ask();
    const { record } = task.peek();
    if (!stopped && record !== null && !isFinished(record.status)) {
      timer = setTimeout(ask, pace(record, now.peek()));
    }
  }

  const stopWatching = effect(() => {
    if (told.value !== null && !hidden.value && connection.value === "live") {
      untracked(() => void ask());
    } else {
      clearTimeout(timer);
    }
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
    stopWatching();
  };
}

/** Milliseconds until the next request. */
export function pace({ status, updated_at }: TaskRecord, at: number): number {
  if (status === "pending") return WAITING_MS;
  if (status === "waiting") return CALM_MS;
  const quiet = at - Date.parse(updated_at);
  return quiet < QUIET_MS ? CALM_MS : quiet < LONG_QUIET_MS ? SILENT_MS : WAITING_MS;
}
