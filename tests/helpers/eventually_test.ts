import { assertEquals, assertGreater, assertRejects, fail } from "@std/assert";
import { eventually } from "./eventually.ts";

Deno.test("eventually() resolves to what the assertion returns once it passes", async () => {
  let attempts = 0;
  const value = await eventually(() => {
    if (++attempts < 3) fail("not yet");
    return Promise.resolve("done");
  }, { interval: 1 });
  assertEquals([value, attempts], ["done", 3]);
});

Deno.test("eventually() rejects with the last error when the time is up", async () => {
  let attempts = 0;
  const error = await assertRejects(
    () =>
      eventually(() => Promise.reject(new RangeError(`attempt ${++attempts}`)), { timeout: 20 }),
    RangeError,
  );
  assertGreater(attempts, 1);
  assertEquals(error.message, `attempt ${attempts}`);
});

Deno.test("eventually() tries once where there is no time at all", async () => {
  assertEquals(await eventually(() => 1, { timeout: 0 }), 1);
  await assertRejects(() => eventually(() => fail("only try"), { timeout: 0 }), Error, "only try");
});

Deno.test("eventually() gives up at once when its signal aborts, in an attempt or between two", async () => {
  const reason = new Error("enough");
  for (const abort of [(stop: () => void) => stop(), queueMicrotask, setTimeout]) {
    const controller = new AbortController();
    const waiting = eventually(() => {
      abort(() => controller.abort(reason));
      fail("never");
    }, { interval: 3_600_000, timeout: 3_600_000, signal: controller.signal });
    assertEquals(await assertRejects(() => waiting, Error, "enough"), reason);
  }
});
