/**
 * The open task's state, what can be asked of it, and the stream that feeds it.
 *
 * @module
 */

import { batch, signal } from "@preact/signals";
import type { TaskRecord } from "../lib/record.ts";
import * as api from "./api.ts";
import { observeTime } from "./clock.ts";
import { onconnection, reopen } from "./connection.ts";
import { forget, knownTask } from "./list_store.ts";
import { openLive } from "./live.ts";
import { isFinished, NO_TASK, reduceTask, type TaskEvent } from "./task_state.ts";

/** The task that is open. */
export const task = signal(NO_TASK);

/** What is asked of it and not done yet. */
export const acting = signal<"cancel" | "retry" | "remove" | null>(null);

/** Why that could not be. */
export const actionError = signal<string | null>(null);

/** Stops the open task. */
export function cancel(): Promise<void> {
  return act("cancel", api.cancelTask);
}

/** Runs the open task once more. */
export function retry(): Promise<void> {
  return act("retry", async (id) => {
    takeRecord(await api.retryTask(id));
    reopen();
  });
}

/** Removes the open task. */
export function remove(): Promise<void> {
  return act("remove", async (id) => {
    await api.deleteTask(id);
    forget(id);
    task.value = { ...task.peek(), gone: "deleted" };
  });
}

async function act(
  what: "cancel" | "retry" | "remove",
  request: (id: string) => Promise<void>,
): Promise<void> {
  const id = task.peek().record?.task_id;
  if (id === undefined || acting.peek() !== null) return;
  acting.value = what;
  actionError.value = null;
  try {
    await request(id);
  } catch (error) {
    if (task.peek().record?.task_id === id) actionError.value = (error as Error).message;
  } finally {
    acting.value = null;
  }
}

/** Opens the stream of one task; returns how to close it. */
export function watchTask(id: string): () => void {
  if (task.peek().record?.task_id !== id) {
    batch(() => {
      task.value = { ...NO_TASK, record: knownTask(id) ?? null };
      actionError.value = null;
    });
  }
  if (task.peek().gone === "deleted") return () => {};
  const close = openLive({
    url: `${api.taskUrl(id)}/stream`,
    lastEventId: task.peek().lastEventId,
    events: ["message", "log", "output", "complete", "reset", "deleted"],
    batchMs: 50,
    onconnection,
    onevents(events) {
      const live = events.at(-1)!;
      if (live.type === "message") observeTime((live.data as TaskRecord).updated_at);
      task.value = reduceTask(task.peek(), events as TaskEvent[]);
      if (task.peek().ended || task.peek().gone !== null) stop();
    },
    onrefused: () => exists(id),
  });
  function stop(): void {
    close();
    onconnection("idle");
  }
  return stop;
}

/** After a refusal: whether there is something to wait for. */
async function exists(id: string): Promise<boolean> {
  try {
    const record = await api.getTask(id);
    takeRecord(record);
    const over = isFinished(record.status) && task.peek().ended;
    if (over) onconnection("idle");
    return !over;
  } catch (error) {
    if (!(error instanceof api.ApiError) || error.status !== 404) return true;
    task.value = { ...task.peek(), gone: task.peek().record ? "deleted" : "never" };
    onconnection("idle");
    return false;
  }
}

function takeRecord(record: TaskRecord): void {
  const state = task.peek();
  if (state.record !== null && state.record.task_id !== record.task_id) return;
  if (state.record !== null && state.record.seq >= record.seq) return;
  const finished = isFinished(record.status);
  task.value = {
    ...state,
    record,
    ended: state.ended && finished,
    result: finished ? record.result ?? undefined : undefined,
  };
}
