/**
 * The times of schedules' rules. The code that works them out is loaded with the first rule.
 *
 * @module
 */

import type { ScheduleRule } from "../task/schedule.ts";
import type { CronTimes } from "./cron.ts";

/** Most rules whose times are kept: each takes a hundred kilobytes. */
const MAX_KNOWN = 200;

const known = new Map<string, CronTimes>();

/** @throws {CronError} Naming the field that is wrong. */
export async function timesOf(
  { cron, zone }: Pick<ScheduleRule, "cron" | "zone">,
): Promise<CronTimes> {
  const key = `${cron}\n${zone}`;
  const found = known.get(key);
  if (found) return found;
  const { CronTimes } = await import("./cron.ts");
  const times = new CronTimes(cron, zone);
  if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
  known.set(key, times);
  return times;
}

/** As {@link timesOf}; `null` if the rule is not valid, and so has no times. */
export async function timesOrNone(
  rule: Pick<ScheduleRule, "cron" | "zone">,
): Promise<CronTimes | null> {
  try {
    return await timesOf(rule);
  } catch {
    return null;
  }
}
