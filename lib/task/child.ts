/**
 * What the engine knows of children: how each is identified, their limits, and their states.
 *
 * @module
 */

import { type ChildCounts, isFinished, type Status, type WaitingFor } from "./record.ts";

/** The most children of a task. */
export const MAX_CHILDREN = 10_000;

/** How deep children may have children: a bound for a task that makes itself its own child. */
export const MAX_CHILD_DEPTH = 8;

/** The most bytes of JSON of a group's results together: the parent holds all of them in memory. */
export const MAX_RESULTS = 16 * 1024 * 1024;

/** What identifies a child in every run of its parent: the parent, the group's name and the index. */
export interface ChildPlace {
  parent: string;
  name: string;
  index: number;
  /** 1 for a child of a task that is not a child itself. */
  depth: number;
}

/** The state of a child; `held` while it waits for its turn. */
export type ChildState = Status | "held";

/** A child as its parent's group knows it. */
export interface GroupedChild {
  id: string;
  state: ChildState;
}

/** What happens when a child fails for good, or is canceled. */
export type OnFailure = "fail" | "continue" | "cancel";

/** A group of children, as it is stored under its name. */
export interface ChildPlan {
  total: number;
  /** How many run at once; `null` for any number. */
  concurrency: number | null;
  on_failure: OnFailure;
  /** Set once all have ended: how many have no result, and the parent's attempt by its `started_at`. */
  ended?: { failed: number; attempt_at: string | null };
}

/** The `waiting_for` of a child whose turn has not come. */
export function turnIn(name: string): WaitingFor {
  return { type: "turn", name, until: null };
}

export function childStateOf(
  { status, waiting_for }: { status: Status; waiting_for?: WaitingFor },
): ChildState {
  return waiting_for?.type === "turn" ? "held" : status;
}

export function isEnded(state: ChildState): boolean {
  return state !== "held" && isFinished(state);
}

export function countChildren(total: number, children: Iterable<GroupedChild>): ChildCounts {
  const counts = { total, completed: 0, failed: 0, canceled: 0, running: 0 };
  for (const { state } of children) {
    if (state !== "held" && state !== "pending" && state !== "waiting") counts[state]++;
  }
  return counts;
}

/** The number of children that have ended. */
export function endedOf({ completed, failed, canceled }: ChildCounts): number {
  return completed + failed + canceled;
}

/** The plan in a group's stored answer, given as JSON text; `null` if it has none. */
export function readPlan(json: string | null): ChildPlan | null {
  const plan = (json === null ? null : JSON.parse(json)) as ChildPlan | null;
  return plan && Number.isSafeInteger(plan.total) ? plan : null;
}
