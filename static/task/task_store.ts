/**
 * The open task's state, the actions on it, and the events that the feed sends of it.
 *
 * @module
 */

import { batch, signal } from "@preact/signals";
import type { TaskRecord } from "../../lib/task/record.ts";
import { getInfo } from "../app/info_api.ts";
import { cancelTask, createTask, deleteTask, getDetails, keepTask, retryTask } from "./task_api.ts";
import { observeTime } from "../app/clock.ts";
import type { FollowedEvent } from "../feed/feed_protocol.ts";
import { forget, knownTask } from "../list/list_store.ts";
import { feed } from "../feed/live.ts";
import { go, taskHref } from "../app/route.ts";
import { may } from "../app/session.ts";
import { randomKey } from "../ui/random_key.ts";
import { isFinished, NO_TASK, reduceTask, type TaskEvent } from "./task_state.ts";

export const task = signal(NO_TASK);

/** The action that is under way; `null` for none. */
export const acting = signal<"cancel" | "retry" | "remove" | "keep" | null>(null);

export const actionError = signal<string | null>(null);

export function cancel(): Promise<void> {
  return act("cancel", cancelTask);
}

/** Runs the open task again in place. It has failed or was canceled. */
export function retry(): Promise<void> {
  return act("retry", async (id) => {
    takeRecord(await retryTask(id));
  });
}

/** Submits the same input as a new task: the open one keeps its result. */
export function runAgain(): Promise<void> {
  return act("retry", async (id) => {
    const { task_id } = may("admin") ? await retryTask(id) : await resubmit(id);
    go(taskHref(task_id));
  });
}

async function resubmit(id: string): Promise<TaskRecord> {
  const { input } = await getDetails(id);
  return await createTask(task.peek().record!.kind, input ?? undefined, randomKey());
}

export function remove(): Promise<void> {
  return act("remove", async (id) => {
    await deleteTask(id);
    forget(id);
    task.value = { ...task.peek(), gone: "deleted" };
  });
}

/** Keeps the open task for as long as the server allows, or returns it to its usual retention. */
export function toggleKeep(): Promise<void> {
  return act("keep", async (id) => {
    const kept = task.peek().record?.keep !== undefined;
    takeKeep(await keepTask(id, kept ? null : await longest()));
  });
}

/** The server's bound in milliseconds; `forever` if it has none, or may not be asked. */
async function longest(): Promise<number | "forever"> {
  const max = await getInfo().then(({ max_keep_ms }) => max_keep_ms, () => 0);
  return max === 0 ? "forever" : max;
}

async function act(
  what: NonNullable<typeof acting.value>,
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

/** Shows a task from the page's snapshot. */
export function showTask(record: TaskRecord): void {
  task.value = NO_TASK;
  takeRecord(record);
}

/** Subscribes to the events of a task and shows it; returns how to stop. */
export function watchTask(id: string): () => void {
  if (task.peek().record?.task_id !== id) {
    batch(() => {
      task.value = { ...NO_TASK, record: knownTask(id) ?? null };
      actionError.value = null;
    });
  }
  if (task.peek().gone === "deleted") return () => {};
  return feed.watchTask(id, Number(task.peek().lastEventId), (events) => batch(() => take(events)));
}

function take(events: readonly FollowedEvent[]): void {
  let told: TaskEvent[] = [];
  for (const event of events) {
    if (event.type === "message") observeTime(event.data.updated_at);
    if (event.type !== "record" && event.type !== "missing") {
      told.push(event);
      continue;
    }
    task.value = reduceTask(task.peek(), told);
    told = [];
    if (event.type === "record") takeRecord(event.data);
    else task.value = { ...task.peek(), gone: task.peek().record ? "deleted" : "never" };
  }
  if (told.length > 0) task.value = reduceTask(task.peek(), told);
}

function takeRecord(record: TaskRecord): void {
  const state = task.peek();
  if (state.record !== null && state.record.task_id !== record.task_id) return;
  if (state.record?.seq === record.seq) return takeKeep(record);
  if (state.record !== null && state.record.seq > record.seq) return;
  const finished = isFinished(record.status);
  task.value = {
    ...state,
    record,
    ended: state.ended && finished,
    result: finished ? record.result ?? undefined : undefined,
  };
}

/** A change of `keep` makes no event, so a record of the same `seq` may have another one. */
function takeKeep({ task_id, keep }: TaskRecord): void {
  const { record } = task.peek();
  if (record?.task_id !== task_id || record.keep === keep) return;
  const { keep: _, ...others } = record;
  task.value = { ...task.peek(), record: keep === undefined ? others : { ...others, keep } };
}
