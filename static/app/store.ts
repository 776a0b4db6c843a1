/**
 * What the page as a whole needs: the kinds, and what the route asks the feed for.
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

/** The kinds there are; `null` until they are loaded. */
export const kinds = signal<readonly KindInfo[] | null>(null);

export const modules = signal<readonly ModuleInfo[]>([]);

/** Bytes that an upload may have. */
export const maxUpload = signal(Infinity);

const taskId = computed(() => route.value.taskId);

/** The list was opened: from then on it is kept right, so that going back to it is at once. */
const listSeen = signal(false);

/** Asks the feed for what the route shows, from now on. */
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
    // It may be that a token is needed now.
    if (refused.value !== null) void readSession().catch(() => {});
  });
  effect(() => {
    if (signedOut.value) return feed.signOut();
    feed.reopen();
    untracked(() => void loadKinds());
  });
  effect(() => {
    // A server that was away may have come back with others, and somebody paused one meanwhile.
    if (connection.value === "live" && !hidden.value && kinds.peek() !== null) {
      untracked(() => void loadKinds());
    }
  });
  if (snapshot === null) void readSession().catch(() => {});
}

/** Milliseconds until the kinds are asked for again: while some cannot run, or may have been drained. */
const SOON_MS = 3000;
const PAUSED_MS = 5000;
const CALM_MS = 60_000;

let asking: ReturnType<typeof setTimeout> | undefined;

/** Asks for the kinds, again and again until all of them are there. */
export async function loadKinds(): Promise<void> {
  clearTimeout(asking);
  let again = SOON_MS;
  try {
    const { kinds: known, modules: from, limits } = await getKinds();
    batch(() => {
      // A form stays as it is while nothing is new.
      if (JSON.stringify(kinds.peek()) !== JSON.stringify(known)) kinds.value = known;
      modules.value = from;
      maxUpload.value = limits.max_upload;
    });
    const paused = known.some(({ paused }) => paused);
    if (from.every(({ state }) => state === "ready")) again = paused ? PAUSED_MS : CALM_MS;
  } catch {
    // Once signed in it is asked for again.
    if (signedOut.peek()) again = Infinity;
  }
  clearTimeout(asking);
  // Who comes back to the page asks at once.
  if (again < Infinity && !hidden.peek()) asking = setTimeout(() => void loadKinds(), again);
}
