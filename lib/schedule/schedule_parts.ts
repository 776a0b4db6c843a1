/**
 * The parts that changes of a schedule put into a commit.
 *
 * @module
 */

import { auditSet } from "../kv/audit.ts";
import { keys } from "../kv/keys.ts";
import {
  type ScheduleEntry,
  scheduleInputSet,
  type StoredSchedule,
  withOutcome,
} from "../kv/schedules.ts";
import { changeHolds } from "../kv/upload_life.ts";
import type { Part } from "../store/write.ts";
import type { Skipped } from "./due.ts";

export interface Holds extends Required<Pick<Part, "checks" | "sets" | "deletes">> {
  readonly uploads: readonly string[];
}

export const NOTHING: Omit<Holds, "uploads"> = { checks: [], sets: [], deletes: [] };

/** The changes that remove a schedule: its tasks stay, and their uploads. */
export function removal(
  { id, uploads = [] }: StoredSchedule,
  now: number,
): Required<Pick<Part, "sets" | "deletes">> {
  const { sets, deletes } = changeHolds(id, { before: uploads, after: [], now });
  return { sets, deletes: [keys.schedule(id), keys.scheduleInput(id), ...deletes] };
}

/** A check that it is still as it was read. */
export function checkOf({ key, versionstamp }: Deno.AtomicCheck | ScheduleEntry): Deno.AtomicCheck {
  return { key, versionstamp };
}

/** SHA-256 of an input, in hex, to tell two inputs apart; `null` for none. */
export async function digestOf(input: string | null): Promise<string | null> {
  if (input === null) return null;
  const bytes = new TextEncoder().encode(input);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** An entry in the audit log of its kind; none if nobody is named. */
export function audits(
  { id, kind }: StoredSchedule,
  action: string,
  at: number,
  by: string | undefined,
  reason?: string,
): NonNullable<Part["sets"]> {
  if (by === undefined) return [];
  const entry = { action, by, at: new Date(at).toISOString(), schedule_id: id };
  return [auditSet(kind, { ...entry, ...(reason === undefined ? {} : { reason }) })];
}

export function inputSets(id: string, input: string | null): NonNullable<Part["sets"]> {
  return input === null ? [] : [scheduleInputSet(id, input)];
}

export function moved(
  schedule: StoredSchedule,
  { slots, skipped }: { slots: StoredSchedule["slots"]; skipped: Skipped[] },
  at: number,
): StoredSchedule {
  return skipped.reduce(
    (after, skip) => withOutcome(after, { type: "skip", at, ...skip }),
    { ...schedule, slots },
  );
}
