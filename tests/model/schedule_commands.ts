import fc from "fast-check";
import { timePasses } from "../helpers/deadline.ts";
import { audit } from "./audit.ts";
import { type Command, command } from "./command.ts";
import { EVERY, EVERY_MS } from "./audit_schedules.ts";
import { holds } from "./invariants.ts";
import { jump } from "./jump.ts";
import type { KnownSchedule, Reference } from "./reference.ts";
import { NUDGE } from "./shapes.ts";
import { PLAIN } from "./script.ts";
import type { World } from "./world.ts";

/** The most schedules at once, since each makes tasks at every jump of the clock. */
const MOST = 2;

interface Rule extends Pick<KnownSchedule, "missed" | "overlap"> {
  /** Whether its tasks take longer than most commands. */
  long: boolean;
}

const rule: fc.Arbitrary<Rule> = fc.record({
  missed: fc.constantFrom("skip", "one", "all", "all", "all", "all"),
  overlap: fc.constantFrom("allow", "skip", "skip", "queue", "queue"),
  long: fc.boolean(),
});

const hasSchedules = (reference: Reference) => openSchedules(reference).length > 0;

/** A command for the oldest schedule. */
function ofOldest(
  name: string,
  run: (id: string, reference: Reference, world: World) => Promise<void>,
): Command {
  const first = (reference: Reference) => openSchedules(reference)[0]!;
  return command(
    name,
    (reference, world) => run(first(reference), reference, world),
    hasSchedules,
  );
}

const creates = rule.map((rule) =>
  command(
    `schedule ${JSON.stringify(rule)}`,
    async (reference, world) => void await create(rule, reference, world),
    (reference) => openSchedules(reference).length < MOST,
  )
);

const priorities = fc.constantFrom(-5, 5).map((priority) =>
  ofOldest(`change a schedule's priority to ${priority}`, (id, _, world) => {
    return change(id, { priority }, world);
  })
);

/** Times of a schedule come. It is changed then, since this makes the server look at its clock. */
const times = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  paused: fc.constantFrom(true, false, false, false),
  rule,
}).map(({ count, paused, rule }) =>
  command(
    `${count} times come of a schedule${paused ? ", paused" : ""}; or of ${JSON.stringify(rule)}`,
    async (reference, world) => {
      const id = openSchedules(reference)[0] ?? await create(rule, reference, world);
      await pauseSchedule(id, paused, reference, world);
      await audit(reference, world);
      await jump(count * EVERY_MS, reference, world);
      await change(id, { priority: 0 }, world);
      await timePasses(30);
    },
  )
);

const removals = fc.constant(ofOldest("remove a schedule", removeSchedule));

/** Makes, changes, pauses and removes schedules, and lets their times come. */
export const schedules: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: creates },
  { weight: 1, arbitrary: priorities },
  { weight: 5, arbitrary: times },
  { weight: 1, arbitrary: removals },
);

/** The ids of the schedules that were not removed, the oldest first. */
export function openSchedules({ schedules }: Reference): string[] {
  return [...schedules].flatMap(([id, { over }]) => over ? [] : [id]);
}

async function create(
  { missed, overlap, long }: Rule,
  reference: Reference,
  world: World,
): Promise<string> {
  const id = `s${reference.schedules.size}`;
  // Queued tasks run one after the other: each must end by itself, and soon.
  const under = overlap === "allow"
    ? {}
    : long && overlap === "skip"
    ? { sleeps: 20_000 }
    : { naps: 300 };
  const input = { nonce: reference.nonce(), ...PLAIN, ...under };
  const more = { cron: EVERY, missed, overlap, input };
  const body = { schedule_id: id, kind: NUDGE.kind, ...more };
  const answer = await world.ask("POST", "/schedules", { body });
  holds("I25", answer?.status === 201, () => `a schedule: ${JSON.stringify(answer)}`);
  reference.schedules.set(id, {
    submission: { ...NUDGE, input },
    missed,
    overlap,
    since: reference.now(),
    over: false,
    paused: "no",
    rested: false,
    runs: 0,
    seen: { known: new Set(), underWay: new Set() },
  });
  return id;
}

async function change(id: string, body: unknown, world: World): Promise<void> {
  const answer = await world.ask("PATCH", `/schedules/${id}`, { body });
  holds("I25", answer?.status === 200, () => `a change of ${id}: ${JSON.stringify(answer)}`);
}

/** Pauses or resumes a schedule. */
export async function pauseSchedule(
  id: string,
  paused: boolean,
  { schedules }: Reference,
  world: World,
): Promise<void> {
  const schedule = schedules.get(id)!;
  if (paused) schedule.rested = true;
  else schedule.paused = "no";
  await change(id, { paused }, world);
  if (paused && schedule.paused === "no") schedule.paused = "said";
}

/** Removes a schedule, but not its tasks. */
export async function removeSchedule(
  id: string,
  { schedules }: Reference,
  world: World,
): Promise<void> {
  const answer = await world.ask("DELETE", `/schedules/${id}`);
  holds("I25", answer?.status === 204, () => `the removal of ${id}: ${JSON.stringify(answer)}`);
  schedules.get(id)!.over = true;
}
