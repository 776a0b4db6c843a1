/**
 * What is about to be done to all tasks that match, loaded or not. The bar that does it comes behind
 * the page.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Filters } from "./filters.ts";

/** The filters of the list as it was opened; `null` while it is closed. */
export const matching = signal<Filters | null>(null);

/** It is being done: another list is no reason to stop. */
export const matchingBusy = signal(false);

/** Other tasks are shown: nothing is done to those that nobody sees. */
export function leaveMatching(): void {
  if (!matchingBusy.peek()) matching.value = null;
}
