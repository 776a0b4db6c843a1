/**
 * The state of the bar for all tasks that match, loaded or not. The code of the bar itself is
 * loaded after the page's.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Filters } from "./filters.ts";

/** The filters of the list when the bar was opened; `null` while it is closed. */
export const matching = signal<Filters | null>(null);

/** Whether an action is running. It goes on when the list shows other tasks. */
export const matchingBusy = signal(false);

/** Closes the bar, for a list that shows other tasks, unless an action is running. */
export function leaveMatching(): void {
  if (!matchingBusy.peek()) matching.value = null;
}
