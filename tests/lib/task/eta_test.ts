import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import { type Estimate, estimate } from "../../../lib/task/eta.ts";

/** Feeds values, calls `seen` after each, and returns the last estimate. */
function feed(
  values: Iterable<[at: number, value: number]>,
  goal: number | null,
  seen: (estimate: Estimate, at: number, value: number) => void = () => {},
): Estimate {
  let last: Estimate | undefined;
  for (const [at, value] of values) {
    last = estimate(last, at, value, goal);
    seen(last, at, value);
  }
  return last!;
}

const rates = fc.double({ min: 0.01, max: 1e6, noNaN: true });
const intervals = fc.integer({ min: 1, max: 5000 });

Deno.test("estimate() finds a steady rate and the time left, however often values come", () => {
  fc.assert(
    fc.property(rates, intervals, fc.integer({ min: 2, max: 400 }), (rate, interval, steps) => {
      const perStep = rate * interval / 1000;
      const values = Array.from({ length: steps }, (_, n): [number, number] => [
        n * interval,
        n * perStep,
      ]);
      feed(values, steps * perStep, ({ rate: found, etaMs, at, value }) => {
        if (found === null) return;
        assertLess(Math.abs(found / rate - 1), 1e-6);
        const left = (steps * perStep - value) / rate * 1000;
        assertLess(Math.abs(etaMs! - left), 1e-6 * left + 1e-3);
        assertGreater(at, 0);
      });
    }),
  );
});

Deno.test("estimate() is never negative, NaN or infinite, whatever values come", () => {
  const amount = fc.maxSafeNat().map((n) => n / 1000);
  const told = fc.tuple(
    fc.nat(1e9),
    amount,
  );
  const goal = fc.option(amount);
  fc.assert(
    fc.property(fc.array(fc.tuple(told, goal), { minLength: 1 }), (all) => {
      let last: Estimate | undefined;
      for (const [[at, value], goal] of all) {
        last = estimate(last, at, value, goal);
        const { rate, etaMs } = last;
        assert(rate === null || (Number.isFinite(rate) && rate >= 0), `rate ${rate}`);
        assert(etaMs === null || (Number.isFinite(etaMs) && etaMs >= 0), `etaMs ${etaMs}`);
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("estimate() gives a rate but no time left while the goal is unknown", () => {
  const { rate, etaMs } = feed([[0, 0], [1000, 5], [2000, 10]], null);
  assertEquals([rate, etaMs], [5, null]);
});

Deno.test("estimate() gives a time left of 0 once the goal is reached", () => {
  assertEquals(feed([[0, 0], [1000, 5], [2000, 10]], 10).etaMs, 0);
});

Deno.test("estimate() starts over when a stage counts from the start again", () => {
  const last = feed([[0, 0], [1000, 50], [2000, 100], [3000, 1]], 100);
  assertEquals([last.rate, last.etaMs, last.since], [null, null, 3000]);
});

Deno.test("estimate() does not jump while a steady rate is noisy", () => {
  const noise = fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), {
    minLength: 300,
    maxLength: 300,
  });
  fc.assert(
    fc.property(noise, fc.integer({ min: 100, max: 1000 }), (steps, interval) => {
      let sum = 0;
      const values = steps.map((step, n): [number, number] => [n * interval, sum += step]);
      let before: { at: number; etaMs: number } | undefined;
      feed(values, sum * 1.2, ({ etaMs }, at) => {
        // The first sixth is for settling.
        if (etaMs !== null && at > 50 * interval) {
          if (before) {
            const expected = before.etaMs - (at - before.at);
            assertLess(Math.abs(etaMs - expected), 0.1 * before.etaMs + 10);
          }
          before = { at, etaMs };
        }
      });
    }),
  );
});

Deno.test("estimate() follows a rate that changes", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.1, 0.5, 2, 10),
      fc.integer({ min: 50, max: 1000 }),
      (factor, interval) => {
        const goal = 1_000_000;
        const values: [number, number][] = [];
        let value = 0;
        // One minute at 100 a second, then 90 seconds at another rate.
        for (let at = 0; at <= 150_000; at += interval) {
          values.push([at, value]);
          value += (at < 60_000 ? 100 : 100 * factor) * interval / 1000;
        }
        const { rate, etaMs } = feed(values, goal);
        assertLess(Math.abs(rate! / (100 * factor) - 1), 0.1);
        const left = (goal - values.at(-1)![1]) / (100 * factor) * 1000;
        assertLess(Math.abs(etaMs! / left - 1), 0.1);
      },
    ),
  );
});
