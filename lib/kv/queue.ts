/**
 * Reads the tasks that wait to run from the store, in the order of {@link ./rank.ts}.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";
import { compareRanks, lineName, type Rank, rankAt, rankKey } from "./rank.ts";

/**
 * Reads up to `limit` tasks of a line, from a rank on.
 *
 * @returns Their ranks, and that of the first task after them; `null` if there is none.
 */
export async function readLine(
  kv: Deno.Kv,
  from: Rank,
  limit: number,
): Promise<{ ranks: Rank[]; next: Rank | null }> {
  const { kind, waits, priority } = from;
  const prefix = waits ? keys.laterOf(kind, priority) : keys.queueOf(lineName(from));
  const selector = priority === Infinity ? { prefix } : { prefix, start: rankKey(from) };
  const ranks = [];
  const entries = kv.list(selector, { limit: limit + 1, batchSize: Math.min(500, limit + 1) });
  for await (const { key, value } of entries) ranks.push(rankAt(key, value));
  return { ranks, next: ranks.length > limit ? ranks.pop()! : null };
}

/** The first task in each line of a kind's tasks that wait for a time, highest priority first. */
export async function* firstLaters(kv: Deno.Kv, kind: string): AsyncGenerator<Rank> {
  const prefix = keys.latersOf(kind);
  let start: Key | undefined;
  while (true) {
    const selector = start ? { prefix, start } : { prefix };
    const [first] = await Array.fromAsync(kv.list(selector, { limit: 1 }));
    if (!first) return;
    yield rankAt(first.key, first.value);
    start = [...first.key.slice(0, prefix.length + 1), BEHIND_ALL_TIMES];
  }
}

/**
 * A task's place among those of its kind and key, from 1; `null` if it is not due. Counts up to `most`.
 */
export async function queuePosition(
  kv: Deno.Kv,
  rank: Rank,
  now: number,
  most: number,
): Promise<number | null> {
  const { kind, waits, priority, runAt, id } = rank;
  if (waits && runAt > now) return null;
  let before = 0;
  const name = lineName(rank);
  // Tasks with another key may lie in between, any number of them: this one does not wait for them.
  const count = async (prefix: Key, end: Key) => {
    const entries = kv.list({ prefix, end }, { limit: most - before, batchSize: 500 });
    for await (const { key, value } of entries) {
      if (lineName(rankAt(key, value)) === name) before++;
    }
  };
  await count(keys.queueOf(name), keys.queue(name, priority, runAt, id));
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

/** Entries of a line that are passed over one by one before it seeks the next line. */
const SOME = 20;

/** The first task of a line, and the one after it; `null` if there is no other. */
export interface LineStart {
  readonly first: Rank;
  readonly next: Rank | null;
}

/**
 * Reads how the lines of a kind's keys start: up to `limit` lines that follow the line named `after`.
 *
 * @returns Them, and the name of the last one; `null` if no line follows.
 */
export async function firstOfKeys(
  kv: Deno.Kv,
  kind: string,
  after: string,
  limit: number,
): Promise<{ lines: LineStart[]; next: string | null }> {
  const end = ["queue", `${kind}\x01`];
  const lines: { first: Rank; next: Rank | null }[] = [];
  let name = after;
  while (true) {
    const start = name === "" ? ["queue", `${kind}\0`] : ["queue", name, BEHIND_ALL_TIMES];
    let passed = 0;
    let over = true;
    for await (const { key } of kv.list({ start, end }, { batchSize: 100 })) {
      const rank = rankAt(key);
      if (lineName(rank) === name) {
        lines.at(-1)!.next ??= rank;
        if (++passed < SOME) continue;
        over = false;
        break;
      }
      if (lines.length === limit) return { lines, next: name };
      name = lineName(rank);
      passed = 0;
      lines.push({ first: rank, next: null });
    }
    if (over) return { lines, next: null };
  }
}

/** Sorts after every number in a key. */
const BEHIND_ALL_TIMES = true;
