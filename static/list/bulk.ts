/**
 * Runs an action on the picked tasks, in several requests, to show its progress and collect its
 * errors.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { changeTasks } from "./list_api.ts";
import type { BulkAction } from "../client/bulk_by_filter.ts";
import { type BulkPlan, bulkPlan } from "./bulk_plan.ts";
import { forget, knownTask } from "./list_store.ts";
import { deselect, selected } from "./selection.ts";

/** The action that is running, and its progress in tasks; `null` for none. */
export const bulk = signal<{ action: BulkAction; done: number; total: number } | null>(null);

/** The errors of the last action, and how many tasks it was for; `null` if it had none. */
export const bulkProblem = signal<{ total: number; errors: readonly string[] } | null>(null);

/** Tasks in one request: small enough that progress is seen. */
const PART = 200;

export function plan(action: BulkAction, ids: Iterable<string>): BulkPlan {
  return bulkPlan(action, [...ids].map(knownTask).filter((record) => record !== undefined));
}

/** Applies an action to the picked tasks. Only those that failed stay picked. */
export async function runBulk(action: BulkAction): Promise<void> {
  if (bulk.peek() !== null) return;
  const { ids } = plan(action, selected.peek());
  const wanted = new Set(ids);
  deselect([...selected.peek()].filter((id) => !wanted.has(id)));
  const errors: string[] = [];
  bulkProblem.value = null;
  for (let at = 0; at < ids.length; at += PART) {
    bulk.value = { action, done: at, total: ids.length };
    const part = ids.slice(at, at + PART);
    try {
      const results = await changeTasks(action, part);
      const done = results.filter(({ ok }) => ok).map(({ task_id }) => task_id);
      for (const { ok, error } of results) if (!ok) errors.push(error ?? "");
      deselect(done);
      if (action === "delete") forget(...done);
    } catch (error) {
      errors.push(...part.map(() => (error as Error).message));
    }
  }
  bulk.value = null;
  if (errors.length > 0) bulkProblem.value = { total: ids.length, errors };
}
