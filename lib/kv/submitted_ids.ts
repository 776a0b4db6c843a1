import { BEHIND_IDS, FIRST_ID, keys, submittedIn } from "./keys.ts";
import type { Reads } from "./reads.ts";

export interface SubmittedIdsOptions {
  /** Only ids from this one on. @default {all} */
  since?: string;
  /** Only ids before this one. @default {all} */
  before?: string;
  /** So many are wanted, about. */
  wanted: number;
}

/** The ids of the tasks that the token of this name submitted, newest first. Some may be gone. */
export async function* submittedIds(
  kv: Deno.Kv,
  reads: Reads,
  submitter: string,
  { since = FIRST_ID, before = BEHIND_IDS, wanted }: SubmittedIdsOptions,
): AsyncGenerator<string> {
  const range = { start: keys.submitted(submitter, since), end: keys.submitted(submitter, before) };
  for await (const entries of reads.newestFirst(kv, range, { first: wanted })) {
    for (const { key } of entries) yield submittedIn(key);
  }
}
