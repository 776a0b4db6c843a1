import { assertEquals, assertRejects } from "@std/assert";
import { pause } from "../../../lib/task/delay.ts";

Deno.test("pause() resolves, and waits for nothing at 0", async () => {
  const { signal } = new AbortController();
  await pause(1, signal);
  await pause(0, signal);
});

Deno.test("pause() rejects with the reason when the signal aborts, and leaves no timer", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const waiting = pause(3_600_000, stop.signal);
  stop.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(await assertRejects(() => pause(0, stop.signal)), reason);
});
