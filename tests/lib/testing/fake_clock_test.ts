import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock } from "headway/testing";

Deno.test("FakeClock.after() calls back in order while time passes, but makes no time pass itself", async () => {
  const clock = new FakeClock(0);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(["after 20", clock.now]));
  clock.after(90, () => seen.push(["after 90", clock.now]));
  clock.after(10, () => seen.push(["never", clock.now]))();
  await clock.wait(0);
  await clock.wait(-1);
  assertEquals(clock.now, 0);
  await Promise.all([30, 10].map(async (ms) => {
    await clock.wait(ms);
    seen.push([`waited ${ms}`, clock.now]);
  }));
  assertEquals(seen, [["waited 10", 10], ["after 20", 20], ["waited 30", 30]]);
});

Deno.test("FakeClock.wait() rejects with its signal's reason, and no time passes", async () => {
  const clock = new FakeClock(0);
  const abort = new AbortController();
  const wait = clock.wait(1000, abort.signal);
  abort.abort(new Error("enough"));
  await assertRejects(() => wait, Error, "enough");
  await assertRejects(() => clock.wait(1, abort.signal), Error, "enough");
  assertEquals(clock.now, 0);
});

Deno.test("FakeClock.wait(Infinity) waits until its signal aborts, and other waits go on", async () => {
  const clock = new FakeClock(0);
  const abort = new AbortController();
  const endless = clock.wait(Infinity, abort.signal);
  await clock.wait(1000);
  assertEquals(clock.now, 1000);
  abort.abort(new Error("enough"));
  await assertRejects(() => endless, Error, "enough");
});

Deno.test("FakeClock refuses an invalid start time", () => {
  assertThrows(() => new FakeClock("yesterday"), RangeError, "'start'");
});
