/**
 * Whether tasks started in the order in which they should have, as their stored rows tell.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import { compareRanks, lineName, type Rank, rankOf } from "../../lib/kv/rank.ts";
import { holds } from "./invariants.ts";
import type { KnownTask, Reference } from "./reference.ts";

/** Milliseconds by which a task that goes first may come later: it may have to be loaded. */
const LOADING_MS = 1000;

/** Milliseconds from when a task is chosen until it starts, likewise. */
const CHOSEN_MS = 500;

/** A time for which a task waited, by the server's clock. */
interface Wait {
  rank: Rank;
  /** From when it could have run. */
  from: number;
  /** When it started, or was canceled. */
  to: number;
  /** It started, and was not interrupted before those beside it were loaded. */
  started: boolean;
}

/** Checked before the clock is set back, and at the end. */
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
  // It waits for a process of its own.
  if (fate.mayBeAlone) return waits;
  const changes: TaskRecord[] = rows.filter(({ event }) => event === "message")
    .map(({ data }) => data);
  for (const [n, record] of changes.entries()) {
    // One with a key may start only when it is stored, which its rows do not tell.
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
