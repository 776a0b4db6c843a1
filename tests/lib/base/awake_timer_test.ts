import { assert, assertEquals } from "@std/assert";
import { AwakeTimer } from "../../../lib/base/awake_timer.ts";
import { deadline } from "../../../lib/base/deadline.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

Deno.test("AwakeTimer goes off at its time where nothing stands still, and not when it is cleared", async () => {
  for (const ms of [0, 1, 50, 333, 10_000, 60 * 24 * 3600_000]) {
    using timers = new FakeTimers();
    const timer = new AwakeTimer();
    let ran = 0;
    timer.set(ms, () => ran++);
    if (ms > 0) await timers.pass(ms - 1);
    assertEquals(ran, 0);
    // Parts of a millisecond add up.
    await timers.pass(1.001);
    assertEquals([ran, timers.waiting], [1, 0]);
    timer.set(ms, () => ran++);
    await timers.pass(ms / 2 - 1);
    timer.clear();
    await timers.pass(2 * ms);
    assertEquals([ran, timers.waiting], [1, 0]);
  }
});

Deno.test("AwakeTimer loses at most a step to a stop, whenever it comes, and leaves one after it", async () => {
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

Deno.test("AwakeTimer goes off also where each of its steps is late", async () => {
  using timers = new FakeTimers();
  const timer = new AwakeTimer();
  let ran = false;
  timer.set(8000, () => ran = true);
  for (let steps = 0; !ran; steps++) {
    assert(steps < 10);
    await timers.standStill(5000);
  }
});

Deno.test("deadline() takes what came while this process stood still", async () => {
  using timers = new FakeTimers();
  const { promise, resolve } = Promise.withResolvers<string>();
  const waiting = deadline(promise, 10_000, () => "late");
  await timers.pass(9999);
  await timers.standStill(60_000);
  resolve("there");
  assertEquals(await waiting, "there");
  assertEquals(timers.waiting, 0);
});
