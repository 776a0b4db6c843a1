import { assertEquals } from "@std/assert";
import { Timer } from "../../../lib/base/timer.ts";
import { delay } from "../../../lib/task/delay.ts";
import { MAX_TIMER_MS } from "../../../lib/task/limits.ts";

/** Stands for `setTimeout`: a timer goes off when it is told to. */
class FakeTimers implements Disposable {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  /** What the timers were set to. */
  readonly set: number[] = [];
  #waiting = new Map<number, () => void>();

  constructor() {
    let id = 0;
    const setTimer = (run: () => void, ms: number) => {
      this.set.push(ms);
      this.#waiting.set(++id, run);
      return id;
    };
    globalThis.setTimeout = setTimer as typeof setTimeout;
    globalThis.clearTimeout = ((id: number) => this.#waiting.delete(id)) as typeof clearTimeout;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whatever waits goes off. */
  async pass(): Promise<void> {
    const due = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const run of due) run();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

const DAYS = 24 * 3600_000;

Deno.test("Timer waits for 60 days, by timers that can be set", async () => {
  using timers = new FakeTimers();
  const timer = new Timer();
  let ran = 0;
  timer.set(60 * DAYS, () => ran++);
  await timers.pass();
  await timers.pass();
  assertEquals([ran, timers.waiting], [0, 1]);
  await timers.pass();
  assertEquals([ran, timers.waiting], [1, 0]);
  assertEquals(timers.set, [MAX_TIMER_MS, MAX_TIMER_MS, 60 * DAYS - 2 * MAX_TIMER_MS]);
});

Deno.test("Timer.clear() stops it in any part of its time, and set() puts another in its place", async () => {
  using timers = new FakeTimers();
  const timer = new Timer();
  const ran: string[] = [];
  timer.set(60 * DAYS, () => ran.push("first"));
  await timers.pass();
  timer.set(5, () => ran.push("second"));
  assertEquals(timers.waiting, 1);
  await timers.pass();
  assertEquals(ran, ["second"]);
  timer.set(60 * DAYS, () => ran.push("third"));
  await timers.pass();
  timer.clear();
  assertEquals(timers.waiting, 0);
});

Deno.test("delay() waits for 30 days, and can be stopped in the second part of them", async () => {
  using timers = new FakeTimers();
  let over = false;
  const waiting = delay(30 * DAYS).then(() => over = true);
  await timers.pass();
  assertEquals(over, false);
  await timers.pass();
  await waiting;
  assertEquals(timers.set, [MAX_TIMER_MS, 30 * DAYS - MAX_TIMER_MS]);
  const stop = new AbortController();
  const stopped = delay(30 * DAYS, stop.signal).catch((error) => error);
  await timers.pass();
  stop.abort("enough");
  assertEquals([await stopped, timers.waiting], ["enough", 0]);
});
