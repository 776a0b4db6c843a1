/**
 * The state of the page as a whole: the kinds, and what the feed sends for the current route.
 *
 * @module
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { readSession, takeSession } from "./session_api.ts";
import { getKinds, type KindInfo, type ModuleInfo } from "../kinds/kinds_api.ts";
import { observeTime } from "./clock.ts";
import { connection, hidden, refused, startConnection } from "./connection.ts";
import { startList, takeEvents, watchList } from "../list/list_store.ts";
import { feed, startFeed } from "../feed/live.ts";
import { route } from "./route.ts";
import { signedOut } from "./session.ts";
import { takeSnapshot } from "./snapshot.ts";
import { watchDetails } from "../task/task_details.ts";
import { showTask, watchTask } from "../task/task_store.ts";

/** All kinds; `null` until they are loaded. */
export const kinds = signal<readonly KindInfo[] | null>(null);

export const modules = signal<readonly ModuleInfo[]>([]);

/** The largest size of an upload, in bytes. */
export const maxUpload = signal(Infinity);

const taskId = computed(() => route.value.taskId);

/** Whether the list was opened. It is then kept up to date, so that it can be shown again at once. */
const listSeen = signal(false);

/** Starts the feed, and keeps it subscribed to what the route shows. */
export function startStore(): void {
  const snapshot = takeSnapshot();
  if (snapshot !== null) {
    observeTime(snapshot.time);
    takeSession(snapshot.login);
    if (snapshot.task) showTask(snapshot.task);
    if (snapshot.tasks) takeEvents([{ type: "snapshot", data: { tasks: snapshot.tasks } }]);
  }
  startConnection();
  startFeed();
  startList();
  effect(() => {
    if (taskId.value === null) listSeen.value = true;
  });
  effect(() => {
    if (listSeen.value && !signedOut.value) return untracked(watchList);
  });
  effect(() => {
    const id = taskId.value;
    if (id !== null && !signedOut.value) return untracked(() => watchTask(id));
  });
  effect(() => {
    const id = taskId.value;
    if (id !== null && !signedOut.value) return untracked(() => watchDetails(id));
  });
  effect(() => {
    // The server may require a token by now.
    if (refused.value !== null) void readSession().catch(() => {});
  });
  effect(() => {
    if (signedOut.value) return feed.signOut();
    feed.reopen();
    untracked(() => void loadKinds());
  });
  effect(() => {
    // The server may have restarted with other kinds, and some may have been paused meanwhile.
    if (connection.value === "live" && !hidden.value && kinds.peek() !== null) {
      untracked(() => void loadKinds());
    }
  });
  if (snapshot === null) void readSession().catch(() => {});
}

/** Milliseconds until the kinds are loaded again: with a module not ready, a kind paused, neither. */
const SOON_MS = 3000;
const PAUSED_MS = 5000;
const CALM_MS = 60_000;

let asking: ReturnType<typeof setTimeout> | undefined;

/** Loads the kinds, now and from time to time. */
export async function loadKinds(): Promise<void> {
  clearTimeout(asking);
  let again = SOON_MS;
  try {
    const { kinds: known, modules: from, limits } = await getKinds();
    batch(() => {
      // An equal value would redraw an open form.
      if (JSON.stringify(kinds.peek()) !== JSON.stringify(known)) kinds.value = known;
      modules.value = from;
      maxUpload.value = limits.max_upload;
    });
    const paused = known.some(({ paused }) => paused);
    if (from.every(({ state }) => state === "ready")) again = paused ? PAUSED_MS : CALM_MS;
  } catch {
    // Signing in loads them again.
    if (signedOut.peek()) again = Infinity;
  }
  clearTimeout(asking);
  // A hidden page does not poll; it loads the kinds when it is shown again.
  if (again < Infinity && !hidden.peek()) asking = setTimeout(() => void loadKinds(), again);
}
