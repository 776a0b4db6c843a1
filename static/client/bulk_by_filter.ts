/**
 * The same for all tasks that a filter picks, through `POST /tasks/bulk`: what it would come to, and
 * then doing it, a part at a time. Tasks that came after the count are left alone.
 *
 * @module
 */

import type { Status } from "../../lib/task/record.ts";

export type BulkAction = "cancel" | "retry" | "delete";

export type CountByStatus = Partial<Record<Status, number>>;

/** What the server answers. */
export interface BulkAnswer {
  results: readonly { task_id: string; ok: boolean; status?: Status; error?: string }[];
  matched: number;
  refused: CountByStatus;
  next_cursor: string | null;
  first_cursor?: string | null;
}

/** Sends a body to the server. */
export type AskBulk = (body: object) => Promise<BulkAnswer>;

/** What an action would come to. */
export interface BulkCount {
  /** How many it would be done to. */
  readonly count: number;
  /** How many it would leave alone. */
  readonly refused: CountByStatus;
  /** Where these begin: what comes later is before it. */
  readonly cursor: string | null;
}

/** How far it is. */
export interface BulkChange {
  readonly done: number;
  /** Those of the last part. */
  readonly ids: readonly string[];
  /** How many were left alone for their state. */
  readonly refused: CountByStatus;
  /** How many could not be changed though their state is right. */
  readonly failed: number;
  /** Why, of the first few. */
  readonly errors: readonly string[];
}

/** Errors that are kept. */
const TOLD = 3;

/** Whether an action is for tasks in this state. */
export function fits(action: BulkAction, status: Status): boolean {
  if (action === "retry") return status === "failed" || status === "canceled";
  const ended = status === "completed" || status === "failed" || status === "canceled";
  return ended === (action === "delete");
}

/** Counts what the filter picks: more with each part, and all of it with the last. */
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

/** Does it to what was counted. */
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
    // One that is gone has no state, and nothing is to be done to it.
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

/** How many that are, whatever their state. */
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
