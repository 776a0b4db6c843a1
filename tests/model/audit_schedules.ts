import type { TaskRecord } from "headway";
import { isFinished } from "../../lib/task/record.ts";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import type { World } from "./world.ts";

/** Milliseconds between two times of each schedule. */
export const EVERY_MS = 3 * 3600_000;

/** {@link EVERY_MS} as a cron pattern. */
export const EVERY = "0 */3 * * *";

/** Outcomes that a schedule keeps: older ones are dropped. */
const MAX_OUTCOMES = 50;

/** Notes a scheduled task, which must be the first for its time, or made by "run now". */
export function adoptScheduled(record: TaskRecord, reference: Reference): void {
  const { task_id: id, priority, created_at } = record;
  const schedule = record.schedule_id!;
  const time = record.scheduled_for ?? null;
  const known = reference.schedules.get(schedule);
  const told = () => JSON.stringify(record);
  holds("I25", known !== undefined, () => `nobody made its schedule: ${told()}`);
  const { submission, overlap, paused, runs } = known!;
  if (time === null) {
    holds("I25", runs > 0, () => `nobody said "run now": ${told()}`);
    known!.runs--;
  } else {
    const ofRule = Date.parse(time) % EVERY_MS === 0;
    holds("I25", ofRule, () => `not at a time of its schedule: ${told()}`);
    // Its time had come; the task waited in the queue, and then the clock was set back.
    const waited = overlap === "queue" && reference.wasSetBack;
    holds("I25", time <= created_at || waited, () => `before its time: ${told()}`);
    const other = reference.tasks.find(({ slot }) =>
      slot?.schedule === schedule && slot.time === time
    );
    holds("I25", !other, () => `${other!.id} is for the same time: ${told()}`);
    holds("I26", paused !== "looked", () => `its schedule is paused: ${told()}`);
  }
  reference.add(id, { ...submission, priority }, { keyed: true, slot: { schedule, time } });
}

/** Asserts that a schedule makes no task while one is under way, unless `overlap` allows it. */
export function checkOverlaps({ schedules, tasks }: Reference): void {
  for (const [id, schedule] of schedules) {
    if (schedule.paused === "said") schedule.paused = "looked";
    const own = tasks.filter((task) => task.slot?.schedule === id);
    // Nobody knows when a retried task was under way.
    const underWay = new Set(own.flatMap(({ id, gone, record, asked }) => {
      const goesOn = gone === false && record !== null && !isFinished(record.status);
      return goesOn && asked.retries === 0 ? [id] : [];
    }));
    const ofTimes = own.filter(({ slot }) => slot!.time !== null);
    const { known, underWay: before } = schedule.seen;
    schedule.seen = { known: new Set(own.map(({ id }) => id)), underWay };
    if (schedule.overlap === "allow") continue;
    const many = ofTimes.filter(({ id }) => underWay.has(id));
    holds("I26", many.length <= 1, () => `of ${id} run ${many.map(({ id }) => id)}`);
    const other = [...before].find((id) => underWay.has(id));
    const made = ofTimes.find(({ id }) => !known.has(id));
    holds("I26", !other || !made, () => `${made!.id} of ${id} was made beside ${other}`);
  }
}

/** The part of a schedule that is read here. */
interface Shown {
  outcomes: { type: string; from: string; to: string; reason: string; run?: string }[];
}

/** Asserts that `missed: "all"` schedules have a task, or an allowed skip, for each time until now. */
export async function checkSchedules(reference: Reference, world: World): Promise<void> {
  const { schedules, tasks } = reference;
  for (const [id, { missed, overlap, since, over, rested }] of schedules) {
    if (missed !== "all" || over) continue;
    const own = tasks.filter(({ slot }) => slot?.schedule === id);
    const made = new Set(own.map(({ slot }) => slot!.time));
    const { outcomes } = await world.get<Shown>(`/schedules/${id}`);
    const skips = outcomes.filter(({ type }) => type === "skip");
    for (const skip of skips) {
      const { reason, run = null, from, to } = skip;
      const may = reason === "overlap"
        ? overlap === "skip" && made.has(run)
        : reason === "paused" && rested;
      holds("I26", may, () => `${id} skipped ${JSON.stringify(skip)}`);
      const both = [...made].find((time) => time !== null && time >= from && time <= to);
      const twice = reason === "overlap" && both !== undefined;
      holds("I26", !twice, () => `${id} skipped ${JSON.stringify(skip)}, and made ${both}`);
    }
    for (
      let at = Math.ceil((since + 1) / EVERY_MS) * EVERY_MS;
      at <= reference.now();
      at += EVERY_MS
    ) {
      const time = new Date(at).toISOString();
      const skipped = outcomes.length === MAX_OUTCOMES ||
        skips.some(({ from, to }) => time >= from && time <= to);
      holds("I25", made.has(time) || skipped, () => `schedule ${id} has no task for ${time}`);
    }
  }
}
