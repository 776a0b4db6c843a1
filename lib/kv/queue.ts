/**
 * Reads what waits in the store, in the order of {@link ./rank.ts}.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { compareRanks, type Rank, rankAt, rankKey } from "./rank.ts";

/**
 * Reads `limit` tasks of a line, from a rank on.
 *
 * @returns Them, and the first one behind them.
 */
export async function readLine(
  kv: Deno.Kv,
  from: Rank,
  limit: number,
): Promise<{ ranks: Rank[]; next: Rank | null }> {
  const { kind, waits, priority } = from;
  const prefix = waits ? keys.laterOf(kind, priority) : keys.queueOf(kind);
  const selector = priority === Infinity ? { prefix } : { prefix, start: rankKey(from) };
  const ranks = [];
  const entries = kv.list(selector, { limit: limit + 1, batchSize: Math.min(500, limit + 1) });
  for await (const { key } of entries) ranks.push(rankAt(key));
  return { ranks, next: ranks.length > limit ? ranks.pop()! : null };
}

/** The first task of each of a kind's lines of those that wait for a time, by priority. */
export async function* firstLaters(kv: Deno.Kv, kind: string): AsyncGenerator<Rank> {
  const prefix = keys.latersOf(kind);
  let start: Key | undefined;
  while (true) {
    const selector = start ? { prefix, start } : { prefix };
    const [first] = await Array.fromAsync(kv.list(selector, { limit: 1 }));
    if (!first) return;
    yield rankAt(first.key);
    start = [...first.key.slice(0, prefix.length + 1), BEHIND_ALL_TIMES];
  }
}

/** From 1, for the next to run of its kind; `null` for one not yet due. Counts no further than `most`. */
export async function queuePosition(
  kv: Deno.Kv,
  rank: Rank,
  now: number,
  most: number,
): Promise<number | null> {
  const { kind, waits, priority, runAt, id } = rank;
  if (waits && runAt > now) return null;
  let before = 0;
  const count = async (prefix: Key, end: Key) => {
    const entries = kv.list({ prefix, end }, { limit: most - before, batchSize: 500 });
    for await (const _ of entries) before++;
  };
  await count(keys.queueOf(kind), keys.queue(kind, priority, runAt, id));
  for await (const first of firstLaters(kv, kind)) {
    if (before >= most || first.priority < priority) break;
    if (first.runAt > now) continue;
    const due: Rank = { ...first, runAt: now + 1, id: "" };
    const own = { ...due, priority, runAt, id };
    const end = compareRanks(own, due) < 0 ? own : due;
    await count(keys.laterOf(kind, first.priority), rankKey(end));
  }
  return before + 1;
}

/** Sorts behind every number of a key. */
const BEHIND_ALL_TIMES = true;
