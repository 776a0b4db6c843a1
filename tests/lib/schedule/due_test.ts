import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SlotState } from "../../../lib/kv/schedules.ts";
import { CronTimes } from "../../../lib/schedule/cron.ts";
import {
  decide,
  decideNew,
  handOver,
  nextUndone,
  resume,
  settle,
  type Skipped,
  slotsFrom,
} from "../../../lib/schedule/due.ts";
import { MISSED, type Missed, type Overlap, OVERLAPS } from "../../../lib/task/schedule.ts";

const MINUTE = 60_000;
const START = Date.parse("2026-01-01T00:00:30Z");
const hourly = new CronTimes("0 * * * *", "UTC");
const minutely = new CronTimes("* * * * *", "UTC");

interface Ran {
  made: number[];
  skipped: Skipped[];
  queued: number[];
  slots: SlotState;
}

/** Does all that is to be done at `now`; `busy` says whether an earlier task is under way. */
function run(
  times: CronTimes,
  rule: { missed: Missed; overlap: Overlap },
  from: SlotState,
  now: number,
  busy: boolean | "after the first" = false,
): Ran {
  const ran: Ran = { made: [], skipped: [], queued: [], slots: from };
  let waits = false;
  for (let steps = 0; steps < 10_000; steps++) {
    const { slots } = ran;
    const decision = (waits ? decideNew : decide)(times, rule, slots, now);
    if (decision.type === "rest") return ran;
    if (decision.type === "skip") ran.skipped.push(decision.skipped);
    if (decision.type !== "due") {
      ran.slots = decision.slots;
      continue;
    }
    const under = busy === true || (busy !== false && ran.made.length > 0) ? { slot: 1 } : null;
    const settled = settle(rule, slots, decision, under);
    if (settled.type === "wait") waits = true;
    else ran.slots = settled.slots;
    if (settled.type === "make") ran.made.push(decision.slot);
    if (settled.type === "queue") ran.queued.push(decision.slot);
    if (settled.type === "skip") ran.skipped.push(settled.skipped);
  }
  throw new Error("It never rests");
}

function clock(times: readonly number[]): string[] {
  return times.map((time) => new Date(time).toISOString().slice(11, 16));
}

const at = (time: string) => Date.parse(`2026-01-01T${time}:30Z`);

Deno.test("decide() returns each time once, also if it is a little late", () => {
  const rule = { missed: "skip", overlap: "skip" } as const;
  const first = run(hourly, rule, slotsFrom(START), at("01:00"));
  assertEquals([clock(first.made), first.skipped], [["01:00"], []]);
  assertEquals(run(hourly, rule, first.slots, at("01:00")).made, []);
  assertEquals(clock(run(hourly, rule, first.slots, at("02:00")).made), ["02:00"]);
});

Deno.test("decide() makes up for missed times as `missed` says, and skips the others", () => {
  const overlap = "allow";
  const now = at("05:30");
  const of = (missed: Missed) => run(hourly, { missed, overlap }, slotsFrom(START), now);
  assertEquals([of("skip").made, of("skip").skipped.map(({ count }) => count)], [[], [5]]);
  assertEquals([clock(of("one").made), of("one").skipped[0]?.count], [["05:00"], 4]);
  assertEquals(clock(of("all").made), ["01:00", "02:00", "03:00", "04:00", "05:00"]);
  const { skipped: [skipped] } = of("skip");
  assertEquals(clock([skipped!.from, skipped!.to]), ["01:00", "05:00"]);
  assertEquals(skipped!.reason, "missed");
  // A time that has just come makes up for all before it.
  const justNow = run(hourly, { missed: "one", overlap }, slotsFrom(START), at("05:00"));
  assertEquals([clock(justNow.made), justNow.skipped[0]?.count], [["05:00"], 4]);
});

Deno.test("decide() makes up for at most 100 times, and counts at most 1000 that it passes over", () => {
  const rule = { missed: "all", overlap: "allow" } as const;
  const day = run(minutely, rule, slotsFrom(START), START + 24 * 60 * MINUTE);
  assertEquals([day.made.length, day.skipped[0]?.more], [101, true]);
  assertEquals(day.skipped[0]?.count, 1000);
  // Years of times are passed over in one step.
  const years = run(minutely, rule, slotsFrom(0), START);
  assertEquals([years.made.length, years.skipped.length], [101, 1]);
  assertEquals(new Date(years.skipped[0]!.to).toISOString(), "2025-12-31T22:19:00.000Z");
});

Deno.test("settle() skips, queues or allows a time as `overlap` says while an earlier task has not ended", () => {
  const of = (overlap: Overlap) =>
    run(minutely, { missed: "all", overlap }, slotsFrom(START), START + 5 * MINUTE, true);
  const skips = of("skip");
  assertEquals([skips.made.length, skips.skipped.length], [0, 5]);
  assertEquals([skips.skipped[0]?.reason, skips.skipped[0]?.run], ["overlap", 1]);
  assertEquals([of("queue").made.length, of("queue").slots.queued.length], [0, 5]);
  assertEquals(of("allow").made.length, 5);
  // Queued times come first, one after the other.
  const { slots } = of("queue");
  const rule = { missed: "all", overlap: "queue" } as const;
  const next = run(minutely, rule, slots, START + 6 * MINUTE, "after the first");
  assertEquals(clock(next.made), ["00:01"]);
  assertEquals(clock(next.slots.queued), ["00:02", "00:03", "00:04", "00:05", "00:06"]);
  const full = run(minutely, rule, slots, START + 200 * MINUTE, true);
  assertEquals(full.slots.queued.length, 100);
  assert(full.skipped.some(({ reason }) => reason === "full"));
});

Deno.test("handOver() queues the old rule's times that are left, and takes no past times of the new rule", () => {
  const rule = { missed: "one", overlap: "skip" } as const;
  const { slots, skipped } = handOver(hourly, rule, slotsFrom(START), at("01:00"));
  assertEquals([clock(slots.queued), skipped], [["01:00"], []]);
  const changed = run(minutely, rule, slots, at("01:01"));
  assertEquals(clock(changed.made), ["01:00", "01:01"]);
});

Deno.test("settle() keeps queued times in the queue, also under a rule that skips new ones", () => {
  const { slots } = handOver(
    hourly,
    { missed: "all", overlap: "queue" },
    slotsFrom(START),
    at("01:00"),
  );
  const rule = { missed: "one", overlap: "skip" } as const;
  const busy = run(minutely, rule, slots, at("01:01"), true);
  assertEquals([clock(busy.slots.queued), busy.made], [["01:00"], []]);
  assertEquals(busy.skipped.map(({ from }) => clock([from])[0]), ["01:01"]);
  assertEquals(clock(run(minutely, rule, busy.slots, at("01:01")).made), ["01:00"]);
});

Deno.test("resume() passes over the times that came during a pause", () => {
  const { slots, skipped } = resume(hourly, slotsFrom(START), at("03:10"));
  assertEquals([skipped.length, skipped[0]?.count, skipped[0]?.reason], [1, 3, "paused"]);
  const rule = { missed: "all", overlap: "skip" } as const;
  assertEquals(clock(run(hourly, rule, slots, at("04:00")).made), ["04:00"]);
  assertEquals(resume(hourly, slotsFrom(START), START).skipped, []);
});

Deno.test("decide() goes on with the next time after the clock was put far ahead and back again", () => {
  const rule = { missed: "skip", overlap: "allow" } as const;
  const before = run(hourly, rule, slotsFrom(START), at("01:00"));
  const ahead = Date.parse("2027-01-01T00:00:30Z");
  const wrong = run(hourly, rule, before.slots, ahead);
  assertEquals(wrong.made, [Date.parse("2027-01-01T00:00:00Z")]);
  const back = run(hourly, rule, wrong.slots, at("01:30"));
  assertEquals([back.made, nextUndone(hourly, back.slots, at("01:30"))], [
    [],
    at("02:00") - 30_000,
  ]);
  assertEquals(clock(run(hourly, rule, back.slots, at("02:00")).made), ["02:00"]);
});

const walk = fc.array(
  fc.record({
    /** Minutes by which the clock goes on, or is put back. */
    minutes: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) },
      { weight: 2, arbitrary: fc.integer({ min: 3, max: 600 }) },
      { weight: 2, arbitrary: fc.integer({ min: -600, max: -1 }) },
    ),
    busy: fc.constantFrom(true, false, "after the first" as const),
  }),
  { minLength: 1, maxLength: 60 },
);

Deno.test("decide() returns no time twice and accounts for each, wherever the clock is put", () => {
  const rules = fc.record({
    missed: fc.constantFrom(...MISSED),
    overlap: fc.constantFrom(...OVERLAPS),
  });
  fc.assert(
    fc.property(rules, walk, fc.constantFrom(7, 10, 60), (rule, steps, every) => {
      const times = new CronTimes(every === 60 ? "0 * * * *" : `*/${every} * * * *`, "UTC");
      let now = START;
      let slots = slotsFrom(now);
      const decided = new Set<number>();
      const passed: Skipped[] = [];
      const given = (slot: number) => {
        assert(!decided.has(slot), `twice: ${new Date(slot).toISOString()}`);
        decided.add(slot);
      };
      for (const { minutes, busy } of steps) {
        now += minutes * MINUTE;
        const waiting = new Set(slots.queued);
        const ran = run(times, rule, slots, now, busy);
        for (const slot of [...ran.made, ...ran.queued]) if (!waiting.has(slot)) given(slot);
        for (const skipped of ran.skipped) {
          if (skipped.reason !== "missed") given(skipped.from);
          else passed.push(skipped);
        }
        slots = ran.slots;
        assert(slots.done.length <= 16);
        const accounted = (slot: number) =>
          decided.has(slot) || passed.some(({ from, to }) => from <= slot && slot <= to);
        for (const slot of times.between(START, now, Infinity)) assert(accounted(slot));
        // The next time is the first one after now, unless that one is decided already.
        const next = nextUndone(times, slots, now)!;
        assert(next > now && (decided.has(times.next(now)!) || next === times.next(now)));
      }
    }),
    { numRuns: 300 },
  );
});
