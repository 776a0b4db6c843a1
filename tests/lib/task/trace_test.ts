import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_POINTS, MAX_STAGES, newTrace, traced, traceSize } from "../../../lib/task/trace.ts";

const NOTHING = { progress: null, done: null, stage: null };

Deno.test("traced() keeps a bounded number of points over a whole attempt", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 800 });
  fc.assert(
    fc.property(gaps, (gaps) => {
      let at = 1000;
      let trace = newTrace(at);
      for (const gap of gaps) trace = traced(trace, at += gap, NOTHING);
      const times = trace.points.map(([time]) => time);
      assert(times.length <= MAX_POINTS);
      assertEquals(times[0], 1000);
      assert(times.every((time, n) => n === 0 || time >= times[n - 1]! + 250));
      // The last point is near the end: within two gaps and the longest pause between two yields.
      assert(at - times.at(-1)! < 2 * trace.gap + 4000);
    }),
    { numRuns: 50 },
  );
});

Deno.test("traced() returns the same trace if there is nothing new to keep", () => {
  const trace = traced(newTrace(0), 300, { progress: 3, done: 1, stage: "read" });
  assertStrictEquals(traced(trace, 400, { progress: 4, done: 2, stage: "read" }), trace);
  // A new stage is kept at once. A clock that was set back adds no point.
  const staged = traced(trace, 400, { progress: 4, done: 2, stage: "write" });
  assertEquals([staged.points, staged.stages], [trace.points, [[300, "read"], [400, "write"]]]);
  assertEquals(traced(staged, 10, NOTHING), staged);
});

Deno.test("traceSize() is at least the number of bytes that a trace takes in the store", async () => {
  using kv = await Deno.openKv(":memory:");
  let trace = newTrace(1_900_000_000_000);
  for (let n = 1; n <= MAX_POINTS; n++) {
    const at = 1_900_000_000_000.5 + n * 1000;
    const stage = n % 4 === 0 ? `${n} ${"進".repeat(200)}` : null;
    trace = traced(trace, at, { progress: n / 3, done: 1e9 + n / 7, stage });
    // KV refuses a value of more than 64 KiB: it would refuse this one if the size were too small.
    const copies = Math.floor(60_000 / traceSize(trace));
    await kv.set(["traces"], Array.from({ length: copies }, () => structuredClone(trace)));
  }
  assertEquals(traceSize(null), 0);
});

Deno.test("traced() bounds the number of stages and the length of their names", () => {
  let trace = newTrace(0);
  for (let n = 0; n < 100; n++) {
    trace = traced(trace, n, { ...NOTHING, stage: `${n} ${"進".repeat(200)}` });
  }
  assertEquals(trace.stages.length, MAX_STAGES);
  assert(trace.stages.every(([, name]) => name.length === 64));
  assertEquals(trace.stages.at(-1)![0], 99);
});
