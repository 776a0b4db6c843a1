/**
 * The tasks of a submitter, an owner, a tag or a parent. A task never leaves such a set unless it
 * is removed.
 *
 * @module
 */

import { BEHIND_IDS, FIRST_ID, type Key, memberIn } from "./keys.ts";
import type { Reads } from "./reads.ts";

/** A set of tasks: returns the key that a task of this id has in it. */
export type TaskSet = (id: string) => Key;

export interface MemberIdsOptions {
  /** Only ids from this one on. @default {all} */
  since?: string;
  /** Only ids before this one. @default {all} */
  before?: string;
  /** How many ids the caller will take, about. */
  wanted: number;
}

/** The ids of the tasks in a set, newest first, in batches. Some tasks may be gone. */
export async function* memberIds(
  kv: Deno.Kv,
  reads: Reads,
  set: TaskSet,
  { since = FIRST_ID, before = BEHIND_IDS, wanted }: MemberIdsOptions,
): AsyncGenerator<string[]> {
  const range = { start: set(since), end: set(before) };
  for await (const entries of reads.newestFirst(kv, range, { first: wanted })) {
    yield entries.map(({ key }) => memberIn(key));
  }
}

/**
 * To find the common members of some sets: the ids in the set that has the fewest, as far as the newest
 * of each tell; none if a set is empty.
 */
export async function* rarestIds(
  kv: Deno.Kv,
  reads: Reads,
  sets: readonly TaskSet[],
  options: MemberIdsOptions,
): AsyncGenerator<string[]> {
  let rarest: { first: string[]; rest: AsyncIterable<string[]> } | null = null;
  for (const set of sets) {
    const rest = memberIds(kv, reads, set, options);
    const { value: first } = await rest.next();
    if (!first) return;
    // As many members reach further back in a rarer set.
    const rarer = !rarest || first.length < rarest.first.length ||
      (first.length === rarest.first.length && first.at(-1)! < rarest.first.at(-1)!);
    if (rarer) rarest = { first, rest };
  }
  if (!rarest) return;
  yield rarest.first;
  yield* rarest.rest;
}
