import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CronError, CronTimes } from "../../../lib/schedule/cron.ts";
import { cronByWalk, walkClock } from "../../helpers/cron_by_walk.ts";

const DAY = 24 * 3600_000;

function times(cron: string, zone: string, after: string, count: number): string[] {
  const found = new CronTimes(cron, zone).between(Date.parse(after), Infinity, count);
  return found.map((time) => new Date(time).toISOString().replace(":00.000Z", "Z"));
}

Deno.test("CronTimes moves a time that clocks skip to the next that exists, and takes one that comes twice once", () => {
  assertEquals(times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), [
    "2026-03-29T01:00Z", // 03:00: there is no 02:30
    "2026-03-30T00:30Z",
  ]);
  // Four times that are skipped become one.
  assertEquals(times("*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), [
    "2026-03-29T01:00Z",
    "2026-03-30T00:00Z",
  ]);
  assertEquals(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), [
    "2026-10-25T00:30Z", // in summer time; not again at 01:30Z
    "2026-10-26T01:30Z",
  ]);
});

Deno.test("CronTimes takes `*` as the hour for each hour that passes, also when clocks change", () => {
  assertEquals(times("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4), [
    "2026-10-25T00:00Z",
    "2026-10-25T01:00Z",
    "2026-10-25T02:00Z",
    "2026-10-25T03:00Z",
  ]);
  assertEquals(times("15 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3), [
    "2026-03-29T00:15Z",
    "2026-03-29T01:15Z",
    "2026-03-29T02:15Z",
  ]);
});

/** Days on which clocks change, some at midnight or by half an hour, and days without a change. */
const CHANGES: [zone: string, day: string][] = [
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["America/Santiago", "2026-04-05"],
  ["America/Santiago", "2026-09-06"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Asia/Kolkata", "2026-03-01"],
  ["UTC", "2028-02-29"],
  ["UTC", "2026-12-31"],
];

function fieldOf(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant("*") },
    { weight: 3, arbitrary: value.map(String) },
    fc.integer({ min: 2, max: Math.min(20, max) }).map((step) => `*/${step}`),
    fc.tuple(value, value).map((two) => `${Math.min(...two)}-${Math.max(...two)}`),
    fc.tuple(value, value).map(([a, b]) => `${a},${b}`),
  );
}

/** Often near the hours at which clocks change. */
const hour = fc.oneof(fieldOf(0, 23), fc.constantFrom("2", "1-3", "0", "23", "1,2", "0-2"));
const pattern = fc.tuple(fieldOf(0, 59), hour, fieldOf(1, 31), fc.constant("*"), fieldOf(0, 6))
  .map((fields) => fields.join(" "));

Deno.test("CronTimes finds the times that a walk minute by minute finds, from any beginning", () => {
  const clocks = CHANGES.map(([zone, day]) => {
    const middle = Date.parse(`${day}T00:00:00Z`);
    return { zone, clock: walkClock(zone, middle - DAY, middle + 2 * DAY) };
  });
  fc.assert(
    fc.property(pattern, fc.nat(clocks.length - 1), fc.nat(3 * 24 * 60), (cron, n, minutes) => {
      const { zone, clock } = clocks[n]!;
      const expected = cronByWalk(cron, clock);
      let found: CronTimes;
      try {
        found = new CronTimes(cron, zone);
      } catch (error) {
        if ((error as CronError).field === "cron" && expected.length === 0) return;
        throw error;
      }
      // Compared as text, as there may be thousands.
      assertEquals(found.between(clock.from, clock.to, Infinity).join(), expected.join());
      const from = clock.from + minutes * 60_000;
      assertEquals(
        found.between(from, clock.to, 3),
        expected.filter((at) => at > from).slice(0, 3),
      );
      assertEquals(found.newest(from, clock.to, 3), expected.filter((at) => at > from).slice(-3));
    }),
    { numRuns: 100 },
  );
});

Deno.test("CronTimes.newest() finds the last of millions of times, and between() finds times years ahead", () => {
  const seconds = new CronTimes("* * * * * *", "Europe/Berlin");
  assertEquals(seconds.newest(0, Date.parse("2026-01-01T00:00:00Z"), 2), [
    Date.parse("2025-12-31T23:59:59Z"),
    Date.parse("2026-01-01T00:00:00Z"),
  ]);
  // The last of 2.7 million in January, which would take too long to list.
  const january = new CronTimes("* * * * 1 *", "UTC");
  assertEquals(january.newest(0, Date.parse("2026-12-01T00:00:00Z"), 3), [
    Date.parse("2026-01-31T23:59:57Z"),
    Date.parse("2026-01-31T23:59:58Z"),
    Date.parse("2026-01-31T23:59:59Z"),
  ]);
  assertEquals(january.newest(Date.parse("2026-02-01Z"), Date.parse("2026-12-01Z"), 3), []);
  assertEquals(times("0 * 1 1 *", "America/New_York", "2026-07-01T12:00:00Z", 1), [
    "2027-01-01T05:00Z",
  ]);
  assertEquals(times("0 0 29 2 *", "UTC", "2026-07-01T12:00:00Z", 2), [
    "2028-02-29T00:00Z",
    "2032-02-29T00:00Z",
  ]);
});

Deno.test("CronTimes takes each hour when clocks are put back at midnight, and goes on days later", () => {
  assertEquals(times("0 * 1 * 6", "America/Santiago", "2026-04-05T01:30:00Z", 3), [
    "2026-04-05T02:00Z",
    "2026-04-05T03:00Z", // 23:00 once more
    "2026-04-11T04:00Z",
  ]);
});

Deno.test("CronTimes does not skip the first of March", () => {
  for (const cron of ["0 2 1,6 * 1", "0 2 */5 * *", "0 2 1,31 * *"]) {
    assertEquals(times(cron, "UTC", "2026-02-28T05:00:00Z", 1), ["2026-03-01T02:00Z"], cron);
  }
  assertEquals(times("0 2 1,30 3 *", "UTC", "2026-03-30T05:00:00Z", 1), ["2027-03-01T02:00Z"]);
});

Deno.test("CronTimes.next() goes on from any time, also an earlier one, and looks no more than ten years ahead", () => {
  const leap = new CronTimes("0 0 29 2 *", "UTC");
  for (const year of [1972, 2024, 2096, 2400, 2024]) {
    const day = Date.UTC(year, 1, 29);
    assertEquals(leap.next(day - DAY), day);
    // The year 2100 has no such day.
    assertEquals(leap.next(day), Date.UTC(year + (year === 2096 ? 8 : 4), 1, 29));
  }
  // February 29 is a Monday in 2044, in 2072 and then in 2112.
  const now = Date.UTC(2040, 0, 1);
  const rare = new CronTimes("0 0 29 2 +MON", "UTC", now);
  assertThrows(() => new CronTimes("0 0 29 2 +MON", "UTC", Date.UTC(2032, 0, 1)), CronError);
  assertEquals(rare.next(now), Date.UTC(2044, 1, 29));
  assertEquals(rare.next(Date.UTC(2044, 1, 29)), null);
});

Deno.test("CronTimes names the field that is wrong, and says what would be right", () => {
  const wrong: [cron: string, zone: string, field: string, says: string][] = [
    ["", "UTC", "cron", "five or six fields"],
    ["* * * *", "UTC", "cron", "five or six fields"],
    ["* * * * * * 2030", "UTC", "cron", "five or six fields"],
    ["2026-01-01T00:00:00", "UTC", "cron", "five or six fields"],
    ["@reboot", "UTC", "cron", "five or six fields"],
    ["60 * * * *", "UTC", "cron", "minute: 60"],
    ["*/0 * * * *", "UTC", "cron", "stepping"],
    [`${"0,".repeat(150)}0 * * * *`, "UTC", "cron", "five or six fields"],
    ["0 0 30 2 *", "UTC", "cron", "must match a time"],
    ["0 0 31 4,6,9,11 *", "UTC", "cron", "must match a time"],
    ["0 0 29 2 +MON", "UTC", "cron", "within the next ten years"],
    ["59 59 23 29 2 +SUN#1", "UTC", "cron", "within the next ten years"],
    ["* * * * *", "Mars/Olympus", "zone", "IANA"],
    ["* * * * *", "+02:00", "zone", "IANA"],
    ["* * * * *", "", "zone", "IANA"],
  ];
  for (const [cron, zone, field, says] of wrong) {
    const error = assertThrows(() => new CronTimes(cron, zone), CronError);
    assertEquals(error.field, field, cron);
    assertStringIncludes(error.message, says);
  }
  for (const cron of ["@daily", "@hourly", "0 9 * * MON-FRI", "0 0 L * *", "? * * * *"]) {
    new CronTimes(cron, "Europe/Berlin");
  }
});
