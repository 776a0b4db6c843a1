/**
 * The same for many tasks: in parts, so that one sees it go on, and with what could not be done.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Status } from "../../lib/task/record.ts";
import * as api from "../app/api.ts";
import { forget, knownTask } from "./list_store.ts";
import { deselect, selected } from "./selection.ts";
import { isFinished } from "../task/task_state.ts";

/** What can be done with many tasks. */
export type BulkAction = "cancel" | "retry" | "delete";

/** What is being done, and how far it is. */
export const bulk = signal<{ action: BulkAction; done: number; total: number } | null>(null);

/** What could not be done the last time. */
export const bulkProblem = signal<{ total: number; errors: readonly string[] } | null>(null);

/** Tasks in a part: a moment's work. */
const PART = 200;

/** Whether an action is for tasks in this state. */
export function fits(action: BulkAction, status: Status): boolean {
  return isFinished(status) === (action !== "cancel");
}

/** Those of the picked tasks that an action is for. */
export function fitting(action: BulkAction, ids: Iterable<string>): string[] {
  return [...ids].filter((id) => {
    const record = knownTask(id);
    return record !== undefined && fits(action, record.status);
  });
}

/** Does it. What could not be done stays picked. */
export async function runBulk(action: BulkAction): Promise<void> {
  if (bulk.peek() !== null) return;
  const ids = fitting(action, selected.peek());
  const errors: string[] = [];
  bulkProblem.value = null;
  for (let at = 0; at < ids.length; at += PART) {
    bulk.value = { action, done: at, total: ids.length };
    const part = ids.slice(at, at + PART);
    try {
      const results = await api.changeTasks(action, part);
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
