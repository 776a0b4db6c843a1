import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { rowWindow } from "../../../static/list/row_window.ts";

Deno.test("rowWindow() contains all rows on the screen and at most 32 others", () => {
  const numbers = fc.record({
    count: fc.integer({ min: 0, max: 20_000 }),
    first: fc.integer({ min: 0, max: 20_000 }),
    seen: fc.integer({ min: 0, max: 30 }),
  });
  fc.assert(fc.property(numbers, ({ count, first, seen }) => {
    const last = Math.min(count, first + seen);
    const { start, end } = rowWindow(Math.min(first, count), last, count);
    assert(start >= 0 && end <= count && end - start <= seen + 32);
    assert(start <= Math.min(first, count) && end >= last);
  }));
});

Deno.test("rowWindow() moves in steps of several rows", () => {
  assertEquals(rowWindow(100, 112, 1000), { start: 88, end: 124 });
  assertEquals(rowWindow(101, 112, 1000), { start: 88, end: 124 });
});
