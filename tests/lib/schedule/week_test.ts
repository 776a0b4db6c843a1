import { assert, assertEquals } from "@std/assert";
import { CronTimes } from "../../../lib/schedule/cron.ts";
import type { Kind } from "../../../lib/task/kind.ts";
import { overlapFor } from "../../../lib/task/schedule.ts";
import { seededRandom } from "../../helpers/random.ts";
import { kindOf, Week } from "./week.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The kind with the schedule that each deploy gives it. */
const VERSIONS: Kind[] = [
  kindOf("report", { cron: "30 2 * * *", zone: "Europe/Berlin", missed: "one" }),
  kindOf("report", { cron: "30 2 * * *", zone: "Europe/Berlin", missed: "all" }),
  kindOf("report", { cron: "45 * * * *", zone: "Europe/Berlin", overlap: "queue" }),
  kindOf("report", { cron: "0 */2 * * *", zone: "America/New_York", missed: "skip" }),
  kindOf("report", { cron: "15 2,3 * * *", zone: "Europe/Berlin", missed: "one" }),
  kindOf("report", { cron: "*/30 1-3 * * *", zone: "Europe/Berlin", overlap: "allow" }),
];

const others = [kindOf("mail"), kindOf("sync")];

function own(id: string, kind: string, cron: string, missed: "skip" | "one" | "all") {
  return {
    id,
    kind,
    source: "api" as const,
    cron,
    zone: "Europe/Berlin",
    missed,
    overlap: overlapFor(missed),
    jitter_ms: 0,
    priority: 0,
    input: null,
  };
}

function comes({ schedule }: Kind, time: number): boolean {
  const { cron, zone } = schedule!;
  return new CronTimes(cron, zone).next(time - 1) === time;
}

async function live(start: string, seed: number): Promise<void> {
  const random = seededRandom(seed);
  await using resources = new AsyncDisposableStack();
  const kv = resources.adopt(await Deno.openKv(":memory:"), (kv) => kv.close());
  const begins = Date.parse(start);
  await using week = new Week(kv, begins, random);
  let version = 0;
  const code = () => [...others, VERSIONS[version]!];
  week.begin(code());
  week.begin(code());
  await week.create(own("nightly", "mail", "30 2 * * *", "one"));
  await week.create(own("quarters", "sync", "*/15 * * * *", "skip"));
  await week.create(own("hours", "sync", "0 * * * *", "all"));
  let steps = 0;
  while (week.now < begins + 7 * DAY) {
    steps++;
    // To the next quarter of an hour, or up to 30 seconds after it.
    const quarter = (Math.floor(week.now / (15 * MINUTE)) + 1) * 15 * MINUTE;
    week.now = quarter + Math.floor(random() * 30_000);
    const chance = random();
    if (chance < 0.05) week.arm();
    else if (chance < 0.07) {
      // No process runs for up to five hours.
      await week.stop(true);
      week.now += Math.floor(random() * 5 * 60 * MINUTE);
    } else if (chance < 0.09) week.now -= Math.floor(random() * 90 * MINUTE);
    // A deploy comes just after a time of the old rule.
    if (
      steps > 80 * (version + 1) && version < VERSIONS.length - 1 &&
      comes(VERSIONS[version]!, quarter)
    ) {
      // Processes are replaced one after the other: for a while both versions run.
      version++;
      week.begin(code());
    } else if (week.size > 2) await week.stop();
    while (week.size < 2) week.begin(code());
    await week.turn();
    const lasts = random() < 0.2 ? 40 * MINUTE : 0;
    await week.endTasks(["mail", "sync", "report"], week.now - lasts);
  }
  assertEquals(version, VERSIONS.length - 1);
  assert(week.kills >= 20, `${week.kills} kills`);
  // A last turn of a process that is not killed.
  await week.stop(true);
  week.begin(code());
  await week.turn();
  await accountForAll(week, begins);
}

async function accountForAll(week: Week, begins: number): Promise<void> {
  const tasks = await week.tasks();
  for (const { id, slots, made } of await week.schedules()) {
    const epochs = week.epochs.get(id)!;
    const its = tasks.filter(({ schedule_id }) => schedule_id === id)
      .map(({ scheduled_for }) => Date.parse(scheduled_for!));
    assertEquals(new Set(its).size, its.length, `${id} made one twice`);
    assertEquals(made, its.length);
    const has = new Set([...its, ...slots.queued]);
    const skips = week.skips.get(id) ?? [];
    for (const [n, { from, cron, zone }] of epochs.entries()) {
      const until = epochs[n + 1]?.from ?? week.now;
      const times = new CronTimes(cron, zone).between(Math.max(from, begins), until, Infinity);
      for (const time of times) {
        const accounted = has.has(time) || skips.some(({ from, to }) => from <= time && time <= to);
        assert(accounted, `${id} lost ${new Date(time).toISOString()} of '${cron}'`);
      }
    }
    // No task is for any other time.
    const all = epochs.map(({ cron, zone }) => new CronTimes(cron, zone));
    for (const time of its) assert(all.some((times) => times.next(time - 1) === time));
  }
}

Deno.test("Scheduler accounts for each time of a week with clocks put forward, 20 kills and 5 deploys", async () => {
  await live("2026-03-25T12:00:05Z", 1);
});

Deno.test("Scheduler accounts for each time of a week with clocks put back, 20 kills and 5 deploys", async () => {
  await live("2026-10-21T12:00:05Z", 2);
});
