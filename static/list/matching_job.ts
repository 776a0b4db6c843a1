/**
 * One action on all tasks that match: counts them, asks, and changes them in several requests.
 *
 * @module
 */

import { batch, signal } from "@preact/signals";
import { call } from "../app/api.ts";
import { now } from "../app/clock.ts";
import {
  type AskBulk,
  type BulkAction,
  type BulkChange,
  type BulkCount,
  changeMatching,
  countMatching,
} from "../client/bulk_by_filter.ts";
import { bulkFilter, type Filters } from "./filters.ts";
import { forget } from "./list_store.ts";
import { matching, matchingBusy } from "./matching.ts";

export type MatchingJob =
  | { step: "choose"; error?: string }
  | { step: "count"; action: BulkAction; known: BulkCount | null }
  | { step: "ask"; action: BulkAction; filter: object; known: BulkCount }
  | { step: "do"; action: BulkAction; known: BulkCount; change: BulkChange | null }
  | {
    step: "end";
    action: BulkAction;
    known: BulkCount;
    change: BulkChange | null;
    stopped: boolean;
    /** What ended it early. */
    error?: string;
  };

export const job = signal<MatchingJob>({ step: "choose" });

/** Numbers the counts and changes: going back or stopping abandons the one under way. */
let run = 0;

const ask: AskBulk = (body) => call("POST", "/tasks/bulk", body);

/** Counts what an action would change, and then asks. */
export async function count(action: BulkAction, filters: Filters): Promise<void> {
  const own = ++run;
  // A range that ends now is fixed here, so that the change has the same bounds as the count.
  const filter = bulkFilter(filters, now.peek());
  job.value = { step: "count", action, known: null };
  try {
    for await (const known of countMatching(ask, action, filter)) {
      if (own !== run) return;
      job.value = { step: "count", action, known };
    }
    const { known } = job.peek() as { known: BulkCount };
    job.value = { step: "ask", action, filter, known };
  } catch (error) {
    if (own === run) job.value = { step: "choose", error: (error as Error).message };
  }
}

/** Makes the change that was asked about. */
export async function change(): Promise<void> {
  const asked = job.peek();
  if (asked.step !== "ask") return;
  const own = ++run;
  const { action, filter, known } = asked;
  let change: BulkChange | null = null;
  const end = (error?: string) => {
    const why = error === undefined ? {} : { error };
    const stopped = error !== undefined || own !== run;
    batch(() => {
      job.value = { step: "end", action, known, change, stopped, ...why };
      matchingBusy.value = false;
    });
  };
  matchingBusy.value = true;
  job.value = { step: "do", action, known, change };
  try {
    for await (const part of changeMatching(ask, action, filter, known)) {
      change = part;
      if (action === "delete") forget(...part.ids);
      if (own !== run) break;
      job.value = { step: "do", action, known, change };
    }
    end();
  } catch (error) {
    end((error as Error).message);
  }
}

/** Stops the change after the part that is on its way to the server. */
export function stop(): void {
  run++;
}

/** Call when the bar is closed or has other filters: abandons everything but a running change. */
export function leave(): void {
  if (!matchingBusy.peek()) back();
}

/** Goes back to the choice of an action, and forgets the count. */
export function back(): void {
  run++;
  job.value = { step: "choose" };
}

export function close(): void {
  back();
  matching.value = null;
}
