/**
 * The tasks of a submitter, an owner, a tag or a parent. A task never leaves such a set unless it
 * is removed.
 *
 * @module
 */

import { BEHIND_IDS, FIRST_ID, type Key, memberIn } from "./keys.ts";
import type { Reads } from "./reads.ts";

/** A set of tasks, by the key under which one of this id is in it. */
export type TaskSet = (id: string) => Key;

export interface MemberIdsOptions {
  /** Only ids from this one on. @default {all} */
  since?: string;
  /** Only ids before this one. @default {all} */
  before?: string;
  /** So many are wanted, about. */
  wanted: number;
}

/** The ids of the tasks in a set, newest first, some at a time. Some may be gone. */
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
 * Of sets whose common members are wanted, the ids in the one that has the fewest, as far as the
 * newest of each tell; none where one of them is empty.
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
    // As many of a rarer set reach back further.
    const rarer = !rarest || first.length < rarest.first.length ||
      (first.length === rarest.first.length && first.at(-1)! < rarest.first.at(-1)!);
    if (rarer) rarest = { first, rest };
  }
  if (!rarest) return;
  yield rarest.first;
  yield* rarest.rest;
}
