/**
 * Requests about kinds: to list them, pause and resume them, and read their history.
 *
 * @module
 */

import type { AuditEntry } from "../../lib/kv/audit.ts";
import { call } from "../app/api.ts";

/** A kind, as in the response of `GET /kinds`. */
export interface KindInfo {
  kind: string;
  description: string | null;
  /** JSON Schema of its input; `null` for any value. */
  input: unknown;
  /** Whether the form leaves it out. */
  hidden?: boolean;
  /** Whether it ships with Headway. */
  shipped?: boolean;
  /** Why it cannot be run; `null` if it can. */
  unavailable?: string | null;
  /** Its pause: none of its tasks start; `null` if it is not paused. */
  paused?: PausedKind | null;
}

/** A pause of a kind. `by` and `reason` are `null` if not given, or not for the session to know. */
export interface PausedKind {
  since: string;
  by: string | null;
  reason: string | null;
  /** How many of its tasks still run. */
  running?: number;
}

export interface ModuleInfo {
  module: string;
  /** Whether its kinds can be run. */
  state: "loading" | "ready" | "failed";
  reason: string | null;
}

/** All kinds, the modules that define them, and the size limit of an upload in bytes. */
export async function getKinds(): Promise<
  { kinds: KindInfo[]; modules: ModuleInfo[]; limits: { max_upload: number } }
> {
  return await call("GET", "/kinds");
}

/** The last 100 entries of what was done to a kind and its deleted tasks, newest first. */
export async function getAudit(kind: string): Promise<AuditEntry[]> {
  const path = `/kinds/${encodeURIComponent(kind)}/audit?limit=100`;
  const { entries } = await call<{ entries: AuditEntry[] }>("GET", path);
  return entries;
}

/** Pauses a kind: none of its tasks start. */
export async function pauseKind(kind: string, reason: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/pause`, { reason });
}

export async function resumeKind(kind: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/resume`);
}
