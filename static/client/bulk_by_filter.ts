/**
 * Counts the tasks that match a filter and that an action would change, then changes them in
 * several requests to `POST /tasks/bulk`. Tasks submitted after the count are left alone.
 *
 * @module
 */

import type { Status } from "../../lib/task/record.ts";

export type BulkAction = "cancel" | "retry" | "delete";

export type CountByStatus = Partial<Record<Status, number>>;

/** The response of `POST /tasks/bulk`. */
export interface BulkAnswer {
  results: readonly { task_id: string; ok: boolean; status?: Status; error?: string }[];
  matched: number;
  refused: CountByStatus;
  next_cursor: string | null;
  first_cursor?: string | null;
}

/** Sends a body to `POST /tasks/bulk`. */
export type AskBulk = (body: object) => Promise<BulkAnswer>;

/** How many tasks an action would change. */
export interface BulkCount {
  readonly count: number;
  /** How many tasks it would leave alone, by their state. */
  readonly refused: CountByStatus;
  /** The cursor at which the change starts, so that tasks submitted after the count are left alone. */
  readonly cursor: string | null;
}

/** The progress of an action. */
export interface BulkChange {
  readonly done: number;
  /** The ids of the tasks changed in the last part. */
  readonly ids: readonly string[];
  /** How many were left alone because of their state, by that state. */
  readonly refused: CountByStatus;
  /** How many could not be changed although the action fits their state. */
  readonly failed: number;
  /** The first errors, at most {@link TOLD}. */
  readonly errors: readonly string[];
}

/** Errors kept at most. */
const TOLD = 3;

/** Whether an action applies to tasks in this state. */
export function fits(action: BulkAction, status: Status): boolean {
  if (action === "retry") return status === "failed" || status === "canceled";
  const ended = status === "completed" || status === "failed" || status === "canceled";
  return ended === (action === "delete");
}

/** Counts the tasks that match a filter. Yields a growing count; the last one is complete. */
export async function* countMatching(
  ask: AskBulk,
  action: BulkAction,
  filter: object,
): AsyncGenerator<BulkCount> {
  let known: BulkCount = { count: 0, refused: {}, cursor: null };
  let next: string | null = null;
  do {
    const part = await ask({ action, filter, dry_run: true, ...behind(next) });
    known = {
      count: known.count + part.matched - sum(part.refused),
      refused: added(known.refused, part.refused),
      cursor: known.cursor ?? part.first_cursor ?? null,
    };
    next = part.next_cursor;
    yield known;
  } while (next !== null);
}

/** Changes the tasks that were counted. Yields after each part, with sums of all but `ids`. */
export async function* changeMatching(
  ask: AskBulk,
  action: BulkAction,
  filter: object,
  { count, cursor }: Pick<BulkCount, "count" | "cursor">,
): AsyncGenerator<BulkChange> {
  let known: BulkChange = { done: 0, ids: [], refused: {}, failed: 0, errors: [] };
  if (count === 0) return;
  let next = cursor;
  do {
    const { results, next_cursor } = await ask({ action, filter, ...behind(next) });
    const ids = results.filter(({ ok }) => ok).map(({ task_id }) => task_id);
    // A result without a status is of a task that is gone: that is not a failure.
    const others = results.filter(({ ok, status }) => !ok && status !== undefined);
    const failed = others.filter(({ status }) => fits(action, status!));
    const refused: CountByStatus = {};
    for (const { status } of others) {
      if (!fits(action, status!)) refused[status!] = (refused[status!] ?? 0) + 1;
    }
    known = {
      done: known.done + ids.length,
      ids,
      refused: added(known.refused, refused),
      failed: known.failed + failed.length,
      errors: [...known.errors, ...failed.map(({ error }) => error ?? "")].slice(0, TOLD),
    };
    next = next_cursor;
    yield known;
  } while (next !== null);
}

function behind(cursor: string | null): { cursor?: string } {
  return cursor === null ? {} : { cursor };
}

/** The sum of counts over all states. */
export function sum(counts: CountByStatus): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function added(one: CountByStatus, other: CountByStatus): CountByStatus {
  const all = { ...one };
  for (const [status, count] of Object.entries(other) as [Status, number][]) {
    all[status] = (all[status] ?? 0) + count;
  }
  return all;
}
