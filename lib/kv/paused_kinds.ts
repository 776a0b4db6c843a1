/**
 * The paused kinds in the store: no task of them starts.
 *
 * @module
 */

import { keys, nameIn } from "./keys.ts";

/** That a kind is paused: since when, by whom and why. */
export interface Pause {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly by: string;
  readonly reason: string | null;
}

export interface PausedKinds {
  /** Changes with each pause and resume; `null` before the first. */
  readonly version: string | null;
  readonly pauses: ReadonlyMap<string, Pause>;
}

/** `undefined` if the version is still `known`. */
export async function readPausedKinds(
  kv: Deno.Kv,
  known: string | null | undefined,
): Promise<PausedKinds | undefined> {
  // Read first: what changes during the other reads then has another version the next time.
  const { versionstamp: version } = await kv.get(keys.pausedHead);
  if (version === known) return undefined;
  const pauses = new Map<string, Pause>();
  for await (const { key, value } of kv.list<Pause>({ prefix: keys.pausedKinds })) {
    pauses.set(nameIn(key), value);
  }
  return { version, pauses };
}
