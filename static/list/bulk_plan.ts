/**
 * What an action would do to the picked tasks: it changes those in a state that fits, and leaves
 * the others alone. A retry leaves completed tasks alone, since a run in place would lose the
 * result.
 *
 * @module
 */

import type { Status, TaskRecord } from "../../lib/task/record.ts";
import { type BulkAction, fits } from "../client/bulk_by_filter.ts";
import { STATUSES } from "./filters.ts";

export type Tally = readonly (readonly [status: Status, count: number])[];

export interface BulkPlan {
  readonly ids: readonly string[];
  /** How many tasks in each state it would change. */
  readonly taken: Tally;
  /** How many in each state it would leave alone. */
  readonly left: Tally;
}

export function bulkPlan(action: BulkAction, records: Iterable<TaskRecord>): BulkPlan {
  const ids: string[] = [];
  const taken = new Map<Status, number>();
  const left = new Map<Status, number>();
  for (const { task_id, status } of records) {
    const fit = fits(action, status);
    if (fit) ids.push(task_id);
    const counts = fit ? taken : left;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return { ids, taken: tally(taken), left: tally(left) };
}

/** In a fixed order, the worst state first. */
export function tally(counts: ReadonlyMap<Status, number>): Tally {
  const order: Status[] = ["failed", "canceled", ...STATUSES];
  return [...new Set(order)].filter((status) => counts.has(status))
    .map((status) => [status, counts.get(status)!] as const);
}
