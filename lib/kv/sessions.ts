/**
 * The sessions in the store: those of live processes, and those that were declared dead.
 *
 * @module
 */

import { keys, nameIn } from "./keys.ts";

/** The value of a `session` key. */
export interface SessionInfo {
  /** The machine, as it names itself. */
  host: string;
  pid: number;
  /** What it does: `all`, `web` or `worker`. */
  role: string;
  /** ISO 8601. */
  started_at: string;
  /** Of the last renewal, by the process's own clock. Absent in a store of an older version. */
  renewed_at?: string;
  /**
   * The oldest journal entry, at the last renewal, that holds something of this process's tasks which
   * their own keys did not have; `null` where that can only be what came later. Absent in 0.1.
   */
  unfolded?: string | null;
}

/** A session that was removed and whose tasks have yet to be returned. */
export interface DeadSession {
  /** ISO 8601; when it was renewed last, where that is known. */
  renewed_at: string | null;
  /** The journal entry from which on its tasks' own keys may lack something. */
  unfolded: string;
}

/** From which journal entry on the tasks of a session may have something that their keys lack. */
export function unfoldedFrom({ info: { unfolded }, versionstamp }: StoredSession): string {
  // 0.1 did not say: then it is looked for in all there is.
  return unfolded === undefined ? "" : unfolded ?? versionstamp;
}

export interface StoredSession {
  sid: string;
  info: SessionInfo;
  /** Changes with each renewal. */
  versionstamp: string;
}

export async function readSessions(kv: Deno.Kv): Promise<StoredSession[]> {
  const entries = await Array.fromAsync(kv.list<SessionInfo>({ prefix: keys.sessions }));
  return entries.map(({ key, value, versionstamp }) => ({
    sid: nameIn(key),
    info: value,
    versionstamp,
  }));
}

/** `null` for a process that lives no more. */
export async function readSession(kv: Deno.Kv, sid: string): Promise<SessionInfo | null> {
  return (await kv.get<SessionInfo>(keys.session(sid))).value;
}

/** By id. */
export async function readDead(kv: Deno.Kv): Promise<Map<string, DeadSession>> {
  const dead = new Map<string, DeadSession>();
  const entries = kv.list<DeadSession | string | null>({ prefix: keys.deads });
  for await (const { key, value } of entries) {
    const known = value === null || typeof value === "string";
    dead.set(nameIn(key), known ? { renewed_at: value, unfolded: "" } : value);
  }
  return dead;
}

/** The journal entry from which on some task's own keys may lack something; `null` for none. */
export async function oldestUnfolded(kv: Deno.Kv): Promise<string | null> {
  const living = (await readSessions(kv)).map(unfoldedFrom);
  // Read last: one that is removed meanwhile is among both, not among none.
  const dead = [...(await readDead(kv)).values()].map(({ unfolded }) => unfolded);
  return [...dead, ...living].sort()[0] ?? null;
}
