/**
 * Notifies the user when a task that they watch has ended: once for a browser, however many of its
 * tabs are open, even if none of them is visible.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import type { TaskRecord } from "../../lib/task/record.ts";
import { ApiError } from "./api.ts";
import { getTask } from "../task/task_api.ts";
import { connection } from "./connection.ts";
import { feed } from "../feed/live.ts";
import { ROOT } from "./root.ts";
import { go, taskHref } from "./route.ts";
import { strings } from "../i18n/strings.ts";
import { isFinished } from "../task/task_state.ts";

/**
 * Where `localStorage` has the watched tasks, for all tabs. The path is part of it: another Headway
 * on the same host has other tasks.
 */
const KEY = `headway-watched${ROOT === "/" ? "" : ` ${ROOT}`}`;

/** Tasks watched at once; beyond that, the oldest are dropped. */
const MAX_WATCHED = 50;

/** The ids of the tasks whose end the user wants to be told of. */
export const watched = signal<readonly string[]>([]);

/** Whether the user or the browser has denied notifications. */
export const blocked = signal(false);

/** Whether the browser has notifications: it does only over https, or on localhost. */
export function canNotify(): boolean {
  return isSecureContext && "Notification" in globalThis;
}

/** Starts watching. Tasks that ended while no tab was open are dropped without a notification. */
export function startNotify(): void {
  if (!canNotify()) return;
  watched.value = kept();
  addEventListener("storage", ({ key }) => {
    if (key === KEY) watched.value = kept();
  });
  feed.onended = (record) => void tell(record);
  effect(() => feed.setWatched(watched.value));
  let tells = false;
  effect(() => {
    if (connection.value !== "live") return;
    // The stream does not tell of tasks that ended while there was no connection.
    void lookAfter(tells);
    tells = true;
  });
}

/** Starts or stops watching a task. The browser asks the user for permission the first time. */
export async function toggleWatch(id: string): Promise<void> {
  if (watched.peek().includes(id)) return keep(kept().filter((other) => other !== id));
  blocked.value = await Notification.requestPermission() !== "granted";
  if (!blocked.peek()) keep([...kept(), id].slice(-MAX_WATCHED));
}

async function lookAfter(tells: boolean): Promise<void> {
  for (const id of watched.peek()) {
    try {
      const record = await getTask(id);
      if (isFinished(record.status)) await (tells ? tell(record) : claim(record));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        await claim({ task_id: id, finished_at: null });
      }
    }
  }
}

async function tell(record: TaskRecord): Promise<void> {
  const { task_id: id, kind, status, error, message } = record;
  if (!await claim(record)) return;
  try {
    const notification = new Notification(strings.announce(kind, strings.status[status], null), {
      body: error?.message.slice(0, 200) ?? message ?? "",
      tag: id,
    });
    notification.onclick = () => {
      focus();
      go(taskHref(id));
      notification.close();
    };
  } catch {
    // Some mobile browsers let only a service worker create notifications.
  }
}

/** Stops watching a task for all tabs. Resolves to whether this tab was the one that did. */
async function claim(
  { task_id: id, finished_at }: Pick<TaskRecord, "task_id" | "finished_at">,
): Promise<boolean> {
  return await navigator.locks.request(KEY, async () => {
    const ids = kept();
    if (!ids.includes(id)) return false;
    // A write to localStorage may reach tabs in other processes late. Locks are exact.
    if (!await hold(`${KEY} ${id} ${finished_at}`)) return false;
    keep(ids.filter((other) => other !== id));
    return true;
  });
}

/** Holds a lock for as long as this tab lives. Resolves to false if another tab holds it. */
function hold(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise<never>(() => {});
    });
  });
}

function keep(ids: readonly string[]): void {
  watched.value = ids;
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // Without storage the watched tasks are lost with the page.
  }
}

function kept(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [...watched.peek()];
  }
}
