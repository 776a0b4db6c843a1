import type { TaskRecord } from "headway";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";

/** Milliseconds between two times of each schedule. */
const EVERY_MS = 3 * 3600_000;

/** The same, as a schedule says it. */
export const EVERY = "0 */3 * * *";

/** Notes a task of a schedule, which must be the first one for its time. */
export function adoptScheduled(record: TaskRecord, reference: Reference): void {
  const { task_id: id, priority, created_at } = record;
  const schedule = record.schedule_id!;
  const time = record.scheduled_for!;
  const known = reference.schedules.get(schedule);
  const told = () => JSON.stringify(record);
  holds("I25", known !== undefined, () => `nobody made its schedule: ${told()}`);
  holds("I25", Date.parse(time) % EVERY_MS === 0, () => `not at a time of its schedule: ${told()}`);
  holds("I25", time <= created_at, () => `before its time: ${told()}`);
  const other = reference.tasks.find(({ slot }) =>
    slot?.schedule === schedule && slot.time === time
  );
  holds("I25", !other, () => `${other!.id} is for the same time: ${told()}`);
  const slot = { schedule, time };
  reference.add(id, { ...known!.submission, priority }, { keyed: true, slot });
}

/** Of schedules that make up for all, every time up to now has its task. */
export function checkSchedules(reference: Reference): void {
  const { schedules, tasks } = reference;
  for (const [id, { missed, since, over }] of schedules) {
    if (missed !== "all" || over) continue;
    const made = new Set(tasks.flatMap(({ slot }) => slot?.schedule === id ? [slot.time] : []));
    for (
      let at = Math.ceil((since + 1) / EVERY_MS) * EVERY_MS;
      at <= reference.now();
      at += EVERY_MS
    ) {
      const time = new Date(at).toISOString();
      holds("I25", made.has(time), () => `schedule ${id} has no task for ${time}`);
    }
  }
}
