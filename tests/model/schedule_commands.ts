import fc from "fast-check";
import { type Command, command } from "./command.ts";
import { EVERY } from "./audit_schedules.ts";
import { holds } from "./invariants.ts";
import type { Reference } from "./reference.ts";
import { NUDGE } from "./shapes.ts";
import { PLAIN } from "./script.ts";
import type { World } from "./world.ts";

/** Schedules at once: each makes tasks at every jump. */
const MOST = 2;

/** Schedules are made, changed and removed. */
export const schedules: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom("skip", "one", "all", "all").map((missed) =>
    command(`schedule with missed: ${missed}`, (reference, world) => {
      return create(missed as "skip" | "one" | "all", reference, world);
    }, (reference) => openSchedules(reference).length < MOST)
  ),
  fc.constantFrom(-5, 5).map((priority) =>
    command(`change a schedule's priority to ${priority}`, async (reference, world) => {
      const [id] = openSchedules(reference);
      if (id === undefined) return;
      const answer = await world.ask("PATCH", `/schedules/${id}`, { body: { priority } });
      holds("I25", answer?.status === 200, () => `a change of ${id}: ${JSON.stringify(answer)}`);
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
  missed: "skip" | "one" | "all",
  reference: Reference,
  world: World,
): Promise<void> {
  const id = `s${reference.schedules.size}`;
  const input = { nonce: reference.nonce(), ...PLAIN };
  const more = { cron: EVERY, missed, overlap: "allow", input };
  const body = { schedule_id: id, kind: NUDGE.kind, ...more };
  const answer = await world.ask("POST", "/schedules", { body });
  holds("I25", answer?.status === 201, () => `a schedule: ${JSON.stringify(answer)}`);
  const submission = { ...NUDGE, input };
  reference.schedules.set(id, { submission, missed, since: reference.now(), over: false });
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
