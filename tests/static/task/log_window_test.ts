import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { logWindow } from "../../../static/task/log_window.ts";

Deno.test("logWindow() draws exactly the visible chunks, and leaves the room of all others", () => {
  const numbers = fc.record({
    heights: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 120 }),
    top: fc.integer({ min: -2000, max: 300_000 }),
    height: fc.integer({ min: 1, max: 3000 }),
  });
  fc.assert(fc.property(numbers, ({ heights, top, height }) => {
    const { start, end, before, after } = logWindow(heights, top, top + height);
    const sum = (from: number, to: number) => heights.slice(from, to).reduce((a, b) => a + b, 0);
    assertEquals([before, after], [sum(0, start), sum(end, heights.length)]);
    for (let n = 0; n < heights.length; n++) {
      const from = sum(0, n);
      const seen = from < top + height && from + heights[n]! > top;
      assertEquals(seen, n >= start && n < end, `chunk ${n}`);
    }
    assert(start <= end);
  }));
});
