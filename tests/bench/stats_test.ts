import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { median, percentile, Samples, summarize } from "./stats.ts";

Deno.test("percentile() takes the nearest rank", () => {
  // The worked example of the nearest-rank method.
  const values = [15, 20, 35, 40, 50];
  assertEquals([5, 30, 40, 50, 100].map((p) => percentile(values, p)), [15, 20, 20, 35, 50]);
});

Deno.test("percentile() of the values 1 to 100 is the percent itself, and no rank is rounded up", () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  assertEquals([0, 1, 50, 95, 99, 100].map((p) => percentile(values, p)), [1, 1, 50, 95, 99, 100]);
});

Deno.test("percentile() throws a RangeError for no values and for an invalid percent", () => {
  assertThrows(() => percentile([], 50), RangeError, "of nothing");
  assertThrows(() => percentile([1], 101), RangeError, "current value is 101");
  assertThrows(() => percentile([1], NaN), RangeError, "current value is NaN");
});

Deno.test("percentile() is the smallest value that at least the given share of values does not exceed", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 300 }),
    fc.integer({ min: 1, max: 100 }),
    (values, percent) => {
      const sorted = Float64Array.from(values).sort();
      const value = percentile(sorted, percent);
      const notGreater = sorted.filter((v) => v <= value).length;
      const less = sorted.filter((v) => v < value).length;
      return notGreater * 100 >= percent * sorted.length && less * 100 < percent * sorted.length;
    },
  ));
});

Deno.test("summarize() sorts numerically, and gives zeros for no values", () => {
  assertEquals(summarize([10, 9, 1]), { count: 3, p50: 9, p95: 10, p99: 10, max: 10 });
  assertEquals(summarize([]), { count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
});

Deno.test("Samples.summary() covers every value, also beyond the first allocation", () => {
  const samples = new Samples();
  for (let i = 5000; i > 0; i--) samples.add(i);
  assertEquals(samples.count, 5000);
  assertEquals(samples.summary(), { count: 5000, p50: 2500, p95: 4750, p99: 4950, max: 5000 });
});

Deno.test("median() takes the middle, or the mean of the middle two", () => {
  assertEquals(median([3, 1, 20]), 3);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertThrows(() => median([]), RangeError, "of nothing");
});
