import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { jittered, retryDelay } from "../../../lib/task/backoff.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

Deno.test("retryDelay() lies between 0 and its bound, which doubles up to the cap", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.integer({ min: 0, max: 10_000_000 }),
      random,
      (attempt, baseMs, capMs, value) => {
        const wait = retryDelay(attempt, { baseMs, capMs, random: () => value });
        assert(Number.isInteger(wait) && wait >= 0 && wait <= capMs);
        if (attempt < 40) assert(wait <= baseMs * 2 ** (attempt - 1));
      },
    ),
  );
});

Deno.test("retryDelay() is at most a year, so that the time of the retry is a valid date", () => {
  const wait = retryDelay(60, { baseMs: 1e300, capMs: 1e300, random: () => 0.99 });
  assert(wait > 360 * 24 * 3600_000 && wait <= 366 * 24 * 3600_000);
});

Deno.test("retryDelay() spreads waits over the full 1, 2, 4, 8, 16, 32, 60 and 60 seconds", () => {
  const bounds = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
  for (const [n, bound] of bounds.entries()) {
    const at = (value: number) =>
      retryDelay(n + 1, { baseMs: 1000, capMs: 60_000, random: () => value });
    assertEquals([at(0), at(0.5), at(1 - Number.EPSILON)], [0, bound / 2, bound - 1]);
  }
});

Deno.test("jittered() stays within the given share above and below the value", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      random,
      (value, share, at) => {
        const result = jittered(value, share, () => at);
        assert(Number.isInteger(result));
        assert(
          result >= Math.floor(value * (1 - share)) && result <= Math.ceil(value * (1 + share)),
        );
      },
    ),
  );
  assertEquals([0, 0.5].map((at) => jittered(2000, 0.5, () => at)), [1000, 2000]);
});
