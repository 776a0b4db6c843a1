/**
 * Requests about many tasks: to list, count and change them.
 *
 * @module
 */

import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { call } from "../app/api.ts";

/** A page of tasks, newest first. */
export async function getTasks(
  query: Record<string, string>,
): Promise<{ tasks: TaskRecord[]; next_cursor: string | null }> {
  return await call("GET", `/tasks?${new URLSearchParams(query)}`);
}

/** Tasks by state. A count that equals `limit` may be more; with `partial`, any count may. */
export type Counts = Record<Status | "limit", number> & { partial?: true };

export async function getCounts(query: Record<string, string>): Promise<Counts> {
  return await call("GET", `/tasks/counts?${new URLSearchParams(query)}`);
}

export interface BulkResult {
  task_id: string;
  ok: boolean;
  error?: string;
}

/** Applies an action to at most 1,000 tasks. */
export async function changeTasks(
  action: "cancel" | "retry" | "delete",
  ids: readonly string[],
): Promise<BulkResult[]> {
  return (await call<{ results: BulkResult[] }>("POST", "/tasks/bulk", { action, ids })).results;
}
