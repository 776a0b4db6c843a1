/**
 * Checks by the stored rows that tasks started in the right order.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { compareRanks, lineName, type Rank, rankOf } from "../../lib/kv/rank.ts";
import { holds } from "./invariants.ts";
import type { KnownTask, Reference } from "./reference.ts";

/** Milliseconds by which the first task in line may start late, since it may have to be loaded. */
const LOADING_MS = 1000;

/** Milliseconds from when a task is chosen until it starts, for the same reason. */
const CHOSEN_MS = 500;

/** A span in which a task was pending, in milliseconds of the server's clock. */
interface Wait {
  rank: Rank;
  /** The earliest time at which it could have started. */
  from: number;
  /** When it started, or was canceled. */
  to: number;
  /** Whether it started, and did not become pending again within {@link LOADING_MS}. */
  started: boolean;
}

/** Asserts the order of the starts. Called before the clock is set back, and at the end. */
export function checkStartOrder({ present }: Reference): void {
  const waits = present.flatMap(waitsOf);
  for (const { rank, to, started } of waits) {
    if (!started) continue;
    for (const other of waits) {
      if (lineName(other.rank) !== lineName(rank) || compareRanks(other.rank, rank) >= 0) continue;
      const passed = other.from < to - CHOSEN_MS && other.to > to + LOADING_MS;
      holds("I15", !passed, () => `${rank.id} started at ${to} before ${JSON.stringify(other)}`);
    }
  }
}

function waitsOf({ rows, keyed, fate, rowsBefore }: KnownTask): Wait[] {
  const waits: Wait[] = [];
  // It may have waited for a process of its own.
  if (fate.mayBeAlone) return waits;
  const changes: TaskRecord[] = rows.filter(({ event }) => event === "message")
    .map(({ data }) => data);
  for (const [n, record] of changes.entries()) {
    // A task with a key may start only once it is stored, and its rows do not tell when that was.
    if (record.status !== "pending" || (n === 0 && keyed)) continue;
    if (record.seq <= rowsBefore) continue;
    const [next, end] = changes.slice(n + 1).filter(({ status }, at) =>
      at === 0 || status !== "running"
    );
    if (!next) continue;
    const rank = rankOf(record);
    const from = rank.waits ? rank.runAt : Date.parse(record.updated_at);
    const to = Date.parse(next.updated_at);
    const cutOff = end?.status === "pending" && Date.parse(end.updated_at) < to + LOADING_MS;
    waits.push({ rank, from, to, started: next.status === "running" && !cutOff });
  }
  return waits;
}
