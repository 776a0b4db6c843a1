import { assertEquals } from "@std/assert";
import { Timer } from "../../../lib/base/timer.ts";
import { delay } from "../../../lib/task/delay.ts";
import { MAX_TIMER_MS } from "../../../lib/task/limits.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

const DAYS = 24 * 3600_000;

Deno.test("Timer waits 60 days by setting timeouts of at most MAX_TIMER_MS", async () => {
  using timers = new FakeTimers();
  const timer = new Timer();
  let ran = 0;
  timer.set(60 * DAYS, () => ran++);
  await timers.pass(60 * DAYS - 1);
  assertEquals([ran, timers.waiting], [0, 1]);
  await timers.pass(1);
  assertEquals([ran, timers.waiting], [1, 0]);
  assertEquals(timers.set, [MAX_TIMER_MS, MAX_TIMER_MS, 60 * DAYS - 2 * MAX_TIMER_MS]);
});

Deno.test("Timer.clear() and Timer.set() stop a running timer, also after its first timeout", async () => {
  using timers = new FakeTimers();
  const timer = new Timer();
  const ran: string[] = [];
  timer.set(60 * DAYS, () => ran.push("first"));
  await timers.pass(MAX_TIMER_MS);
  timer.set(5, () => ran.push("second"));
  assertEquals(timers.waiting, 1);
  await timers.pass(5);
  assertEquals(ran, ["second"]);
  timer.set(60 * DAYS, () => ran.push("third"));
  await timers.pass(MAX_TIMER_MS);
  timer.clear();
  assertEquals(timers.waiting, 0);
});

Deno.test("delay() waits 30 days with two timeouts, and rejects if its signal aborts during the second", async () => {
  using timers = new FakeTimers();
  let over = false;
  const waiting = delay(30 * DAYS).then(() => over = true);
  await timers.pass(30 * DAYS - 1);
  assertEquals(over, false);
  await timers.pass(1);
  await waiting;
  assertEquals(timers.set, [MAX_TIMER_MS, 30 * DAYS - MAX_TIMER_MS]);
  const stop = new AbortController();
  const stopped = delay(30 * DAYS, stop.signal).catch((error) => error);
  await timers.pass(MAX_TIMER_MS);
  stop.abort("enough");
  assertEquals([await stopped, timers.waiting], ["enough", 0]);
});
