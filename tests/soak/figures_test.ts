import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { histogram, slope } from "./figures.ts";

Deno.test("slope() finds the slope of every straight line, and 0 where there is none", () => {
  const finite = fc.integer({ min: -1000, max: 1000 });
  fc.assert(
    fc.property(
      finite,
      finite,
      fc.uniqueArray(finite, { minLength: 2, maxLength: 50 }),
      (rise, start, xs) =>
        assert(Math.abs(slope(xs.map((x) => [x, start + rise * x])) - rise) < 1e-6),
    ),
  );
  assertEquals([slope([]), slope([[1, 7]]), slope([[1, 7], [1, 9]])], [0, 0, 0]);
  assertEquals(slope([[1, 10], [2, 12], [3, 11]]), 0.5);
});

Deno.test("histogram() shows every value in its bin, and the empty bins in between", () => {
  assertEquals(
    histogram([0, 10, 19, 45, 45, 44, 40], 10, "ms"),
    [
      " 0 ms ########## 1",
      "10 ms #################### 2",
      "20 ms  0",
      "30 ms  0",
      "40 ms ######################################## 4",
    ].join("\n"),
  );
  assertEquals(histogram([], 10, "ms"), "nothing");
});
