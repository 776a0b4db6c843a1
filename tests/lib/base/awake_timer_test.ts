import { assert, assertEquals } from "@std/assert";
import { AwakeTimer } from "../../../lib/base/awake_timer.ts";
import { deadline } from "../../../lib/base/deadline.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

Deno.test("AwakeTimer fires on time while the process runs, and does not fire after clear()", async () => {
  for (const ms of [0, 1, 50, 333, 10_000, 60 * 24 * 3600_000]) {
    using timers = new FakeTimers();
    const timer = new AwakeTimer();
    let ran = 0;
    timer.set(ms, () => ran++);
    if (ms > 0) await timers.pass(ms - 1);
    assertEquals(ran, 0);
    // A margin for rounding: the steps need not be whole milliseconds.
    await timers.pass(1.001);
    assertEquals([ran, timers.waiting], [1, 0]);
    timer.set(ms, () => ran++);
    await timers.pass(ms / 2 - 1);
    timer.clear();
    await timers.pass(2 * ms);
    assertEquals([ran, timers.waiting], [1, 0]);
  }
});

Deno.test("AwakeTimer counts a standstill of the process as at most one step, and then waits at least one more", async () => {
  const ms = 8000;
  for (let before = 0; before < ms; before += 250) {
    using timers = new FakeTimers();
    const timer = new AwakeTimer();
    let ran = false;
    timer.set(ms, () => ran = true);
    await timers.pass(before);
    await timers.standStill(3600_000);
    assertEquals(ran, false, `after ${before} ms`);
    await timers.pass(Math.max(ms - before - 1001, 999));
    assertEquals(ran, false, `after ${before} ms`);
    await timers.pass(1001);
    assert(ran, `after ${before} ms`);
  }
});

Deno.test("AwakeTimer fires even if the process stands still during each of its steps", async () => {
  using timers = new FakeTimers();
  const timer = new AwakeTimer();
  let ran = false;
  timer.set(8000, () => ran = true);
  for (let steps = 0; !ran; steps++) {
    assert(steps < 10);
    await timers.standStill(5000);
  }
});

Deno.test("deadline() returns the value although the process stood still past the deadline", async () => {
  using timers = new FakeTimers();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = deadline(promise, 10_000, () => "late");
  await timers.pass(9999);
  await timers.standStill(60_000);
  resolve("there");
  assertEquals(await waiting, "there");
  assertEquals(timers.waiting, 0);
});
