/**
 * The audit log: who changed a kind, and who deleted which of its tasks, which no task's own rows
 * can tell. An entry is written in the same commit as the change.
 *
 * @module
 */

import { monotonicUlid } from "@std/ulid";
import { keys } from "./keys.ts";

/** Something that somebody did. */
export interface AuditEntry {
  /** What was done, as a word: `delete`, `pause`, `resume`, `schedule-create` and the like. */
  action: string;
  /** Who did it. */
  by: string;
  /** When. ISO 8601. */
  at: string;
  /** The task that it was done to; absent if it was done to the kind. */
  task_id?: string;
  /** The schedule that it was done to, likewise. */
  schedule_id?: string;
  /** The reason they gave; absent for none. */
  reason?: string;
}

/** Newest entries kept for each kind: so many of changes, and so many of deletions of tasks. */
export const MAX_AUDIT = 200;

/** Most characters of a reason. */
const MAX_REASON = 500;

/** An entry as a part of a commit: `journal.write({ sets: [auditSet(kind, entry)] })`. */
export function auditSet(
  kind: string,
  { reason, ...entry }: AuditEntry,
): [key: Deno.KvKey, value: AuditEntry, size: number] {
  const value = reason === undefined ? entry : { ...entry, reason: reason.slice(0, MAX_REASON) };
  // Lists of their own, so that many deletions do not push out a pause.
  const list = entry.action === "delete" ? "deleted" : "changed";
  const key = keys.audit(kind, list, monotonicUlid(Date.parse(entry.at)));
  return [key, value, 3 * JSON.stringify(value).length];
}

/** The newest entries of a kind, the newest first. */
export async function readAudit(kv: Deno.Kv, kind: string, limit: number): Promise<AuditEntry[]> {
  const lists = await Promise.all((["changed", "deleted"] as const).map(async (list) => {
    const prefix = keys.audits(kind, list);
    return await Array.fromAsync(kv.list<AuditEntry>({ prefix }, { limit, reverse: true }));
  }));
  const idOf = ({ key }: Deno.KvEntry<AuditEntry>) => String(key.at(-1));
  return lists.flat()
    .sort((a, b) => idOf(a) < idOf(b) ? 1 : -1)
    .slice(0, limit)
    .map(({ value }) => value);
}

/** Removes all but the newest {@link MAX_AUDIT} entries of each list. */
export async function sweepAudit(kv: Deno.Kv): Promise<void> {
  let list = "";
  let count = 0;
  for await (const { key } of kv.list({ prefix: keys.auditAll }, { reverse: true })) {
    const its = JSON.stringify(key.slice(0, -1));
    count = its === list ? count + 1 : 1;
    list = its;
    if (count > MAX_AUDIT) await kv.delete(key);
  }
}
