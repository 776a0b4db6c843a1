/**
 * What the page as a whole needs: the kinds, the form, and the one stream that the route asks for.
 * One at a time: six over HTTP/1.1 are all that a browser opens to a server, for all of its tabs.
 *
 * @module
 */

import { effect, signal, untracked } from "@preact/signals";
import * as api from "./api.ts";
import { hidden, revision, startConnection } from "./connection.ts";
import { startList, watchList } from "./list_store.ts";
import { route } from "./route.ts";
import { signedOut } from "./session.ts";
import { watchTask } from "./task_store.ts";

/** The kinds there are; `null` until they are loaded. */
export const kinds = signal<readonly api.KindInfo[] | null>(null);

/** What opens the form: nothing, or it is open, perhaps with a file to work on. */
export const newTask = signal<{ file: File | null } | null>(null);

/** Opens the streams that the route asks for, from now on. */
export function startStore(): void {
  startConnection();
  startList();
  effect(() => {
    const id = route.value.taskId;
    // Read here, so that a change of any opens the stream anew.
    void revision.value;
    if (signedOut.value) return;
    // A list that nobody sees can wait; a task may tell its end in the tab's title.
    if (id === null && hidden.value) return;
    return untracked(() => id === null ? watchList() : watchTask(id));
  });
  effect(() => {
    if (!signedOut.value) void loadKinds();
  });
  void api.readSession().catch(() => {});
}

/** Asks for the kinds, again and again if it must be. */
export async function loadKinds(): Promise<void> {
  try {
    kinds.value = await api.getKinds();
  } catch {
    // Once signed in it is asked for anew.
    if (!signedOut.peek()) setTimeout(() => void loadKinds(), 3000);
  }
}
