/**
 * The kinds there are, their pauses and what was done to them.
 *
 * @module
 */

import type { AuditEntry } from "../../lib/kv/audit.ts";
import { call } from "../app/api.ts";

/** A kind of task, as `GET /kinds` tells. */
export interface KindInfo {
  kind: string;
  description: string | null;
  /** JSON Schema of its input; `null` where anything goes. */
  input: unknown;
  /** The form leaves it out. */
  hidden?: boolean;
  /** It comes with Headway. */
  shipped?: boolean;
  /** Why it cannot be run; `null` where it can. */
  unavailable?: string | null;
  /** That nothing of it starts, and how many still run; `null` where it does. */
  paused?: PausedKind | null;
}

/** Since when, by whom and why a kind is paused; the two last as far as one may know. */
export interface PausedKind {
  since: string;
  by: string | null;
  reason: string | null;
  /** How many of it still run. */
  running?: number;
}

export interface ModuleInfo {
  module: string;
  /** Whether its kinds can be run. */
  state: "loading" | "ready" | "failed";
  reason: string | null;
}

/** The kinds there are, where they are from, and how large an upload may be. */
export async function getKinds(): Promise<
  { kinds: KindInfo[]; modules: ModuleInfo[]; limits: { max_upload: number } }
> {
  return await call("GET", "/kinds");
}

/** What was done to a kind, or to tasks that are gone, the newest first. */
export async function getAudit(kind: string): Promise<AuditEntry[]> {
  const path = `/kinds/${encodeURIComponent(kind)}/audit?limit=100`;
  const { entries } = await call<{ entries: AuditEntry[] }>("GET", path);
  return entries;
}

/** Has nothing more of a kind start. */
export async function pauseKind(kind: string, reason: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/pause`, { reason });
}

export async function resumeKind(kind: string): Promise<void> {
  await call("POST", `/kinds/${encodeURIComponent(kind)}/resume`);
}
