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
  /** When it was last renewed, by the process's own clock; absent if an older version wrote it. */
  renewed_at?: string;
  /**
   * The oldest journal entry, at the last renewal, that holds something not yet folded into the keys of
   * this process's tasks; `null` if only later entries can. Absent in 0.1.
   */
  unfolded?: string | null;
}

/** A session that was removed and whose tasks have yet to be returned. */
export interface DeadSession {
  /** When it was last renewed, ISO 8601; `null` if that is not known. */
  renewed_at: string | null;
  /** The oldest journal entry that may not be folded into its tasks' keys; empty for the very first. */
  unfolded: string;
}

/** The oldest journal entry that may not be folded into the keys of a session's tasks. */
export function unfoldedFrom({ info: { unfolded }, versionstamp }: StoredSession): string {
  // 0.1 did not write it: then the whole journal is read.
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

/** `null` if the process is dead. */
export async function readSession(kv: Deno.Kv, sid: string): Promise<SessionInfo | null> {
  return (await kv.get<SessionInfo>(keys.session(sid))).value;
}

/** The dead sessions, by id. */
export async function readDead(kv: Deno.Kv): Promise<Map<string, DeadSession>> {
  const dead = new Map<string, DeadSession>();
  const entries = kv.list<DeadSession | string | null>({ prefix: keys.deads });
  for await (const { key, value } of entries) {
    const known = value === null || typeof value === "string";
    dead.set(nameIn(key), known ? { renewed_at: value, unfolded: "" } : value);
  }
  return dead;
}

/** The oldest journal entry that may not be folded into some task's own keys; `null` for none. */
export async function oldestUnfolded(kv: Deno.Kv): Promise<string | null> {
  const living = (await readSessions(kv)).map(unfoldedFrom);
  // Read last: a session that dies meanwhile is then found twice, rather than not at all.
  const dead = [...(await readDead(kv)).values()].map(({ unfolded }) => unfolded);
  return [...dead, ...living].sort()[0] ?? null;
}
