/**
 * Which pending task runs before which, and the key under which the store keeps it in that order.
 *
 * A kind has one line of tasks that wait for nothing (`queue`), and one for each priority of tasks
 * that wait for a time (`later`): so both what runs next and what is due next come first somewhere,
 * and a task that is due lies where it always did.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { type TaskRecord, waits } from "../task/record.ts";

/** Where a pending task stands. */
export interface Rank {
  kind: string;
  /** Whether it may not run before `runAt`; any other may run whatever the clock says. */
  waits: boolean;
  /** Higher runs first. */
  priority: number;
  /** Milliseconds since the epoch; among tasks of one priority, the earlier runs first. */
  runAt: number;
  /** ULID. */
  id: string;
}

/** Negative when `a` should run before `b`. */
export function compareRanks(a: Rank, b: Rank): number {
  return b.priority - a.priority || a.runAt - b.runAt || compareIds(a, b);
}

/** Orders by id, which is by submission. */
export function compareIds(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function rankOf(record: TaskRecord): Rank {
  const { kind, priority, run_at, task_id: id } = record;
  return { kind, waits: waits(record), priority, runAt: Date.parse(run_at), id };
}

/** The key that stands for a rank. */
export function rankKey({ kind, waits, priority, runAt, id }: Rank): Key {
  return (waits ? keys.later : keys.queue)(kind, priority, runAt, id);
}

/** The rank for which a key stands. */
export function rankAt(key: Key): Rank {
  const [list, kind, lowness, runAt, id] = key as [string, string, number, number, string];
  return { kind, waits: list === "later", priority: 0 - lowness, runAt, id };
}

/** The first rank there can be among the tasks of a kind that wait for nothing. */
export function firstRank(kind: string): Rank {
  return { kind, waits: false, priority: Infinity, runAt: -Infinity, id: "" };
}
