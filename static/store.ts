/**
 * The page's state: a few signals, changed by the functions here only, and the streams that feed
 * them. One stream at a time: six over HTTP/1.1 are all that a browser opens to a server, for all
 * of its tabs.
 *
 * @module
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { TaskRecord } from "../lib/record.ts";
import * as api from "./api.ts";
import { now, observeTime, startClock } from "./clock.ts";
import {
  addPage,
  type Filter,
  type ListEvent,
  NO_TASKS,
  reachOf,
  reduceList,
  shownTasks,
} from "./list_state.ts";
import { type Connection, type LiveEvent, openLive } from "./live.ts";
import { route } from "./route.ts";
import { isFinished, NO_TASK, reduceTask, type TaskEvent } from "./task_state.ts";

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

/** The task that is open. */
export const task = signal(NO_TASK);

/** What is asked of it and not done yet. */
export const acting = signal<"cancel" | "retry" | "remove" | null>(null);

/** Why that could not be. */
export const actionError = signal<string | null>(null);

/** Whether events come. */
export const connection = signal<Connection>("idle");

/** Since when they do not; `null` while they do. The server's time, milliseconds. */
export const brokenSince = signal<number | null>(null);

/** The kinds there are; `null` until they are loaded. */
export const kinds = signal<readonly api.KindInfo[] | null>(null);

/** What opens the form: nothing, or it is open, perhaps with a file to work on. */
export const newTask = signal<{ file: File | null } | null>(null);

const PAGE_TASKS = "100";

/** Milliseconds after which a hidden list lets go of its connection: other tabs may need it. */
const HIDDEN_MS = 30_000;

const hidden = signal(false);

/** Counts up to open the stream anew: after sleep, a new network, a retry. */
const revision = signal(0);

let listLastEventId = "";

/** Opens the streams that the route asks for, from now on. */
export function startStore(): void {
  startClock(reopen);
  addEventListener("online", reopen);
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") hidden.value = false;
    else timer = setTimeout(() => hidden.value = true, HIDDEN_MS);
  });
  effect(() => {
    const id = route.value.taskId;
    // Read here, so that a change of any opens the stream anew.
    void revision.value;
    // A list that nobody sees can wait; a task may tell its end in the tab's title.
    if (id === null && hidden.value) return;
    return untracked(() => id === null ? watchList() : watchTask(id));
  });
  void loadKinds();
}

/** Opens the stream anew, where it was: the connection may be dead without anybody knowing. */
export function reopen(): void {
  revision.value++;
}

/** Asks for the kinds, again and again if it must be. */
export async function loadKinds(): Promise<void> {
  try {
    kinds.value = await api.getKinds();
  } catch {
    setTimeout(() => void loadKinds(), 3000);
  }
}

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
    list.value = reduceList(list.peek(), [{ type: "deleted", data: { task_id: id } }]);
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

function watchList(): () => void {
  const close = openLive({
    url: "/tasks/stream",
    lastEventId: list.peek().loaded ? listLastEventId : "",
    events: ["snapshot", "reset", "message", "deleted"],
    batchMs: 120,
    onconnection,
    onevents(events) {
      listLastEventId = events.at(-1)!.id;
      for (const event of events) if (event.type === "message") observe(event);
      list.value = reduceList(list.peek(), events as unknown as ListEvent[]);
      const anew = events.some(({ type }) => type === "snapshot" || type === "reset");
      if (anew && filter.peek() !== "all") void loadMore();
    },
    onrefused: () => Promise.resolve(true),
  });
  return () => {
    close();
    onconnection("idle");
  };
}

function watchTask(id: string): () => void {
  if (task.peek().record?.task_id !== id) {
    batch(() => {
      task.value = { ...NO_TASK, record: list.peek().tasks.get(id) ?? null };
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
      if (live.type === "message") observe(live);
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

function onconnection(next: Connection): void {
  connection.value = next;
  if (next === "waiting") brokenSince.value ??= now.peek();
  else if (next !== "connecting") brokenSince.value = null;
}

/** A record that comes live tells the server's time. */
function observe({ data }: LiveEvent): void {
  observeTime((data as TaskRecord).updated_at);
}
