import fc from "fast-check";
import { type Command, command } from "./command.ts";
import { EVERY } from "./audit_schedules.ts";
import { holds } from "./invariants.ts";
import type { KnownSchedule, Reference } from "./reference.ts";
import { NUDGE } from "./shapes.ts";
import { PLAIN } from "./script.ts";
import type { World } from "./world.ts";

/** Schedules at once: each makes tasks at every jump. */
const MOST = 2;

type Rule = Pick<KnownSchedule, "missed" | "overlap">;

const rule: fc.Arbitrary<Rule> = fc.record({
  missed: fc.constantFrom("skip", "one", "all", "all", "all"),
  overlap: fc.constantFrom("allow", "skip", "queue"),
});

/** Schedules are made, changed, paused and removed. */
export const schedules: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(rule, fc.boolean()).map(([rule, long]) =>
    command(
      `schedule ${JSON.stringify(rule)} of ${long ? "long" : "short"} tasks`,
      (reference, world) => create(rule, long, reference, world),
      (reference) => openSchedules(reference).length < MOST,
    )
  ),
  fc.constantFrom(-5, 5).map((priority) =>
    command(`change a schedule's priority to ${priority}`, async (reference, world) => {
      const [id] = openSchedules(reference);
      if (id !== undefined) await change(id, { priority }, world);
    })
  ),
  fc.constantFrom(true, false, false).map((paused) =>
    command(`${paused ? "pause" : "resume"} a schedule`, async (reference, world) => {
      const [id] = openSchedules(reference);
      if (id !== undefined) await pauseSchedule(id, paused, reference, world);
    })
  ),
  fc.constant(command("remove a schedule", async (reference, world) => {
    const [id] = openSchedules(reference);
    if (id !== undefined) await removeSchedule(id, reference, world);
  })),
);

/** Those that were not removed, the oldest first. */
export function openSchedules({ schedules }: Reference): string[] {
  return [...schedules].flatMap(([id, { over }]) => over ? [] : [id]);
}

async function create(
  { missed, overlap }: Rule,
  long: boolean,
  reference: Reference,
  world: World,
): Promise<void> {
  const id = `s${reference.schedules.size}`;
  // Those that wait run one after the other: each must end by itself, and soon.
  const under = overlap === "allow"
    ? {}
    : long && overlap === "skip"
    ? { sleeps: 20_000 }
    : { naps: 100 };
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
}

async function change(id: string, body: unknown, world: World): Promise<void> {
  const answer = await world.ask("PATCH", `/schedules/${id}`, { body });
  holds("I25", answer?.status === 200, () => `a change of ${id}: ${JSON.stringify(answer)}`);
}

/** Pauses one, or has it go on. */
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

/** Its tasks stay. */
export async function removeSchedule(
  id: string,
  { schedules }: Reference,
  world: World,
): Promise<void> {
  const answer = await world.ask("DELETE", `/schedules/${id}`);
  holds("I25", answer?.status === 204, () => `the removal of ${id}: ${JSON.stringify(answer)}`);
  schedules.get(id)!.over = true;
}
