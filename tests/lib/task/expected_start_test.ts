import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { expectedWait } from "../../../lib/task/expected_start.ts";

Deno.test("expectedWait() is null if fewer than 3 tasks have finished or none runs", () => {
  assertEquals(expectedWait(1, { took: [5, 5], running: [5] }), null);
  assertEquals(expectedWait(1, { took: [5, 5, 5], running: [] }), null);
});

Deno.test("expectedWait() never falls with a higher position or longer runs, and is never negative", () => {
  const ms = fc.integer({ min: -1000, max: 1e9 });
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1000 }),
    fc.array(ms, { minLength: 3, maxLength: 20 }),
    fc.array(ms, { minLength: 1, maxLength: 100 }),
    (position, took, running) => {
      const wait = expectedWait(position, { took, running })!;
      assert(wait >= 0 && Number.isFinite(wait));
      assert(expectedWait(position + 1, { took, running })! >= wait);
      assert(expectedWait(position, { took, running: running.map((ms) => ms + 1000) })! >= wait);
    },
  ));
});

Deno.test("expectedWait() is within 10 percent of the true wait if all tasks take equally long", () => {
  const [places, takes] = [4, 10_000];
  // The four running tasks started 2.5 s apart, so every 2.5 s a slot becomes free.
  const running = [0, 2500, 5000, 7500];
  const took = Array.from({ length: 20 }, () => takes);
  for (const position of [1, 10, 100]) {
    const right = position * takes / places;
    const wait = expectedWait(position, { took, running })!;
    assert(Math.abs(wait - right) <= right / 10, `${wait} and not ${right}`);
  }
});
