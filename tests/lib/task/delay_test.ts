import { assertEquals, assertRejects } from "@std/assert";
import { delay, pause } from "../../../lib/task/delay.ts";

Deno.test("delay() resolves after 1 ms and after 0 ms, with and without a signal", async () => {
  const { signal } = new AbortController();
  for (const ms of [1, 0]) {
    await delay(ms, signal);
    await delay(ms);
  }
});

Deno.test("delay() rejects with the signal's reason when it aborts, and leaves no timer", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const waiting = delay(3_600_000, stop.signal);
  stop.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(await assertRejects(() => delay(0, stop.signal)), reason);
});

Deno.test("pause() waits as delay() does, and requires a signal", async () => {
  const stop = new AbortController();
  const waiting = pause(3_600_000, stop.signal);
  stop.abort(new Error("stop"));
  await assertRejects(() => waiting, Error, "stop");
  // @ts-expect-error A task that is canceled must not go on waiting.
  await assertRejects(() => pause(0), TypeError);
});

Deno.test("pause() refuses a time that is not a number, and a signal that is not an AbortSignal", async () => {
  const { signal } = new AbortController();
  for (const ms of ["1s", NaN, undefined, {}, 10n] as unknown as number[]) {
    await assertRejects(
      () => pause(ms, signal),
      TypeError,
      "'ms' must be a number of milliseconds",
    );
  }
  for (const none of [{ signal }, undefined, null, new AbortController()]) {
    const wrong = none as unknown as AbortSignal;
    await assertRejects(() => pause(0, wrong), TypeError, "'signal' must be the AbortSignal");
  }
});
