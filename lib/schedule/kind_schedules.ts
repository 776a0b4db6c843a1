/**
 * Keeps the schedules of kinds as their definitions say.
 *
 * During a deploy, processes have different definitions of a kind: that of the process which
 * started last counts, and no other process changes the schedule.
 *
 * @module
 */

import type { StoredSchedule } from "../kv/schedules.ts";
import type { Kind } from "../task/kind.ts";
import type { KindSchedule } from "../task/schedule.ts";
import { digestOf } from "./schedule_parts.ts";
import type { Schedules } from "./schedules.ts";

export interface KindSchedulesOptions {
  schedules: Schedules;
  /** The kinds that this process has loaded. */
  kinds(): Iterable<Kind>;
  /** Whether no process that started later has this kind. */
  isNewest(kind: string): Promise<boolean>;
}

/** The id of a kind's own schedule. No client can make one with such an id. */
export function kindScheduleId(kind: string): string {
  return `kind:${kind}`;
}

/**
 * Makes, changes and removes schedules until they match the definitions here.
 *
 * @param stored By id.
 */
export async function syncKindSchedules(
  { schedules, kinds, isNewest }: KindSchedulesOptions,
  stored: ReadonlyMap<string, StoredSchedule>,
): Promise<void> {
  for (const { kind, schedule = null } of kinds()) {
    const id = kindScheduleId(kind);
    const known = stored.get(id);
    if (schedule === null && (!known || known.ended)) continue;
    if (schedule !== null && known && await isSame(schedule, known)) continue;
    if (!await isNewest(kind)) continue;
    if (schedule === null) await schedules.end(id);
    else if (known) await schedules.change(id, { spec: schedule });
    else await schedules.create({ id, kind, source: "kind", priority: 0, ...schedule });
  }
}

async function isSame(schedule: KindSchedule, known: StoredSchedule): Promise<boolean> {
  const { cron, zone, missed, overlap, jitter_ms, input } = schedule;
  return !known.ended && cron === known.cron && zone === known.zone && missed === known.missed &&
    overlap === known.overlap && jitter_ms === known.jitter_ms &&
    await digestOf(input) === known.inputDigest;
}
