/**
 * The sessions in the store: the processes that live, and those that were taken for dead.
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

/** Sessions that were removed and whose tasks have yet to be returned, and when each was renewed last. */
export async function readDead(kv: Deno.Kv): Promise<Map<string, string | null>> {
  const dead = new Map<string, string | null>();
  const entries = kv.list<string | null>({ prefix: keys.deads });
  for await (const { key, value } of entries) dead.set(nameIn(key), value);
  return dead;
}
