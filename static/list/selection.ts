/**
 * The picked rows, and the row that the keyboard is at.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { leaveMatching } from "./matching.ts";

/** The ids of the picked tasks. The set is replaced, never changed. */
export const selected = signal<ReadonlySet<string>>(new Set());

/** The task id of the row that the keyboard is at. */
export const active = signal<string | null>(null);

/** The task id at which a range of picked rows begins. */
let anchor: string | null = null;

/** Picks a task, or unpicks it. */
export function toggle(id: string): void {
  const next = new Set(selected.peek());
  if (!next.delete(id)) next.add(id);
  anchor = id;
  pick(next);
}

/** Also picks all rows between the one picked last and this one. */
export function selectTo(ids: readonly string[], id: string): void {
  const start = ids.indexOf(anchor ?? id);
  const end = ids.indexOf(id);
  anchor ??= id;
  pick(new Set([...selected.peek(), ...between(ids, start < 0 ? end : start, end)]));
}

export function selectAll(ids: readonly string[]): void {
  pick(new Set(ids));
}

/** Closes the bar for all that match: actions are either for these or for picked tasks. */
function pick(ids: ReadonlySet<string>): void {
  leaveMatching();
  selected.value = ids;
}

/** Unpicks these tasks; by default, all. */
export function deselect(ids: Iterable<string> = selected.peek()): void {
  const next = new Set(selected.peek());
  for (const id of ids) next.delete(id);
  if (next.size === 0) anchor = null;
  selected.value = next;
}

/** The ids from one index to the other, in any order, both included. */
export function between(ids: readonly string[], one: number, other: number): readonly string[] {
  return ids.slice(Math.min(one, other), Math.max(one, other) + 1);
}
