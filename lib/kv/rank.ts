/**
 * The order in which pending tasks run, and the keys by which the store keeps them in that order.
 *
 * A kind has one line of tasks that wait for nothing (`queue`; one for each key if its limits have
 * keys), and one for each priority of tasks that wait for a time (`later`). So both what runs next
 * and what is due next come first in a line, and a task that becomes due stays where it is.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { lineKeyOf } from "../task/start_limits.ts";
import { type TaskRecord, waits } from "../task/record.ts";

/** Where a pending task stands. */
export interface Rank {
  kind: string;
  /** What limits count it by, joined by `lineKeyOf()`: each key has a line of its own. */
  key?: string;
  /** Whether it must wait until `runAt`; if not, it may run whatever the clock says. */
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
  const rank = { kind, waits: waits(record), priority, runAt: Date.parse(run_at), id };
  const key = lineKeyOf(record.keys);
  return key === undefined ? rank : { ...rank, key };
}

/** Names the line of a kind's tasks that wait for nothing, or of those with a key. */
export function lineName({ kind, key }: Pick<Rank, "kind" | "key">): string {
  return key === undefined ? kind : `${kind}\0${key}`;
}

/** The kind and the key that a line's name is made of. */
export function lineOfName(name: string): Pick<Rank, "kind" | "key"> {
  const at = name.indexOf("\0");
  return at < 0 ? { kind: name } : { kind: name.slice(0, at), key: name.slice(at + 1) };
}

/** The store's key for a rank. */
export function rankKey(rank: Rank): Key {
  const { kind, waits, priority, runAt, id } = rank;
  if (waits) return keys.later(kind, priority, runAt, id);
  return keys.queue(lineName(rank), priority, runAt, id);
}

/** The value of that key: tasks that wait for a time share a line, so their own key is kept here. */
export function rankValue({ waits, key }: Rank): string | null {
  return waits ? key ?? null : null;
}

/** The rank that a store's key and its value stand for. */
export function rankAt(at: Key, value?: unknown): Rank {
  const [list, name, lowness, runAt, id] = at as [string, string, number, number, string];
  const waits = list === "later";
  const { kind, key = typeof value === "string" ? value : undefined } = lineOfName(name);
  const rank = { kind, waits, priority: 0 - lowness, runAt, id };
  return key === undefined ? rank : { ...rank, key };
}

/** The first rank there can be among the tasks of a line that wait for nothing. */
export function firstRank(name: string): Rank {
  return { ...lineOfName(name), waits: false, priority: Infinity, runAt: -Infinity, id: "" };
}
