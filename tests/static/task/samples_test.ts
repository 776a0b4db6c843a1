import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import {
  addSample,
  MAX_POINTS,
  NO_SAMPLES,
  type Samples,
  type Trace,
  withTrace,
} from "../../../static/task/samples.ts";
import { chart, HEIGHT, nearest, WIDTH } from "../../../static/task/chart.ts";
import { record } from "../records.ts";

const START = Date.parse("2030-01-01T00:00:00.000Z");

function said(ms: number, progress: number | null, more: Parameters<typeof record>[0] = {}) {
  return record({ updated_at: new Date(START + ms).toISOString(), progress, ...more });
}

function times({ points }: Samples): number[] {
  return points.map(({ at }) => at - START);
}

Deno.test("addSample() keeps a bounded number of points in order, with the first and the newest", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 600 });
  fc.assert(
    fc.property(gaps, (gaps) => {
      let at = 0;
      let samples = addSample(NO_SAMPLES, said(0, 0));
      for (const gap of gaps) samples = addSample(samples, said(at += gap, 50));
      const all = times(samples);
      assertEquals([all[0], all.at(-1)], [0, at]);
      assert(all.length <= MAX_POINTS);
      assert(all.every((time, n) => n === 0 || time > all[n - 1]!));
    }),
    { numRuns: 30 },
  );
});

Deno.test("addSample() starts over with another attempt, and ignores older records", () => {
  let samples = addSample(addSample(NO_SAMPLES, said(0, 0)), said(5000, 40, { stage: "read" }));
  assertStrictEquals(addSample(samples, said(3000, 20)), samples);
  // While the task waits for its next attempt, the samples of the last one stay.
  assertStrictEquals(addSample(samples, said(6000, 40, { status: "pending" })), samples);
  samples = addSample(samples, said(9000, 0, { attempt: 2 }));
  assertEquals([samples.attempt, times(samples), samples.stages], [2, [9000], []]);
  assertEquals(addSample(samples, said(9500, 0, { attempt: 0, status: "pending" })), NO_SAMPLES);
});

Deno.test("addSample() records when each stage began", () => {
  let samples = NO_SAMPLES;
  for (const [at, stage] of [[0, null], [10, "read"], [20, "read"], [30, "write"], [40, "read"]]) {
    samples = addSample(samples, said(at as number, 1, { stage: stage as string | null }));
  }
  assertEquals(
    samples.stages.map(({ name, from }) => [name, from - START]),
    [["read", 10], ["write", 30], ["read", 40]],
  );
});

Deno.test("withTrace() fills gaps from the server's trace once, and ignores the trace of another attempt", () => {
  const trace: Trace = {
    attempt: 1,
    points: [[START, 0, null], [START + 1000, 10, 1], [START + 2000, 20, 2], [START + 5050, 50, 5]],
    stages: [[START, "read"], [START + 900, "write"]],
  };
  const late = [said(0, 0), said(5000, 50, { stage: "write" }), said(6000, 60)]
    .reduce(addSample, NO_SAMPLES);
  const whole = withTrace(late, trace);
  assertEquals(times(whole), [0, 1000, 2000, 5000, 6000]);
  assertEquals(whole.stages.map(({ name, from }) => [name, from - START]), [
    ["read", 0],
    ["write", 900],
  ]);
  assertStrictEquals(withTrace(whole, trace), whole);
  assertStrictEquals(withTrace(late, { ...trace, attempt: 2 }), late);
  assertEquals(times(withTrace({ ...NO_SAMPLES, attempt: 1 }, trace)), [0, 1000, 2000, 5050]);
});

Deno.test("chart() draws the percent if it is known, otherwise the count, and the rate", () => {
  assertEquals(chart([{ at: 1, percent: 0, done: null }]), null);
  const percents = chart([0, 1, 2, 3].map((n) => ({
    at: n * 1000,
    percent: n * 10,
    done: n * 5,
  })))!;
  assertEquals(percents.points.map(({ x, y, rate }) => [Math.round(x), y, rate]), [
    [0, HEIGHT, null],
    [333, 90, 5],
    [667, 80, 5],
    [WIDTH, 70, 5],
  ]);
  assertEquals([percents.counted, percents.maxRate], [true, 5]);
  assertEquals(percents.area, "M0 100L333.3 90L666.7 80L1000 70V100H0Z");
  const counts = chart([0, 4, 8].map((n) => ({ at: n, percent: null, done: n })))!;
  assertEquals(counts.points.map(({ y }) => y), [100, 50, 0]);
  // Where a count starts over, or resumes from a checkpoint, the jump is not a rate.
  const rates = (done: (number | null)[]) =>
    chart(done.map((done, n) => ({ at: n * 1000, percent: null, done })))!
      .points.map(({ rate }) => rate);
  assertEquals(rates([8, 9, 3, 4, 6]), [null, 1, null, 1, 2]);
  assertEquals(rates([8, 9, 0, 500, 502]), [null, 1, null, null, 2]);
  assertEquals(rates([null, 500, 501]), [null, null, 1]);
  assertEquals(rates([0, 5, 10]), [null, 5, 5]);
  // Over a few milliseconds, a rate would be huge and mean nothing.
  const short = chart([0, 9].map((done) => ({ at: done, percent: null, done })))!;
  assertEquals(short.maxRate, 0);
});

Deno.test("nearest() finds the nearest point", () => {
  const lines = chart([0, 10, 40, 100].map((at) => ({ at, percent: at, done: null })))!;
  const places = [-5, 49, 51, 240, 260, 699, 701, 2000];
  assertEquals(places.map((x) => nearest(lines, x).at), [0, 0, 10, 10, 40, 40, 100, 100]);
});
