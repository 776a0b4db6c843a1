/**
 * The rows that are picked, and the one that the keyboard is at.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { leaveMatching } from "./matching.ts";

/** The tasks that are picked, by id. Never changed, only replaced. */
export const selected = signal<ReadonlySet<string>>(new Set());

/** The row that the keyboard is at, by its task's id. */
export const active = signal<string | null>(null);

/** Where a range of picked rows begins. */
let anchor: string | null = null;

/** Picks a task, or lets go of it. */
export function toggle(id: string): void {
  const next = new Set(selected.peek());
  if (!next.delete(id)) next.add(id);
  anchor = id;
  pick(next);
}

/** Picks all rows from where picking began to this one. */
export function selectTo(ids: readonly string[], id: string): void {
  const start = ids.indexOf(anchor ?? id);
  const end = ids.indexOf(id);
  anchor ??= id;
  pick(new Set([...selected.peek(), ...between(ids, start < 0 ? end : start, end)]));
}

export function selectAll(ids: readonly string[]): void {
  pick(new Set(ids));
}

/** Either some are picked, or all that match. */
function pick(ids: ReadonlySet<string>): void {
  leaveMatching();
  selected.value = ids;
}

/** Lets go of these, or of all. */
export function deselect(ids: Iterable<string> = selected.peek()): void {
  const next = new Set(selected.peek());
  for (const id of ids) next.delete(id);
  if (next.size === 0) anchor = null;
  selected.value = next;
}

/** What stands between two places, both of them included. */
export function between(ids: readonly string[], one: number, other: number): readonly string[] {
  return ids.slice(Math.min(one, other), Math.max(one, other) + 1);
}
