import { assertEquals } from "@std/assert";
import { Skew } from "../../../static/app/clock.ts";
import { timeLeft } from "../../../static/ui/times.tsx";
import { record } from "../records.ts";

Deno.test("Skew.serverTime() goes by the server time that took least long to arrive", () => {
  const skew = new Skew();
  assertEquals(skew.serverTime(5000), 5000);
  // The client is 60 s ahead; times arrive 400, 20 and 3,000 ms late, and one is not a time.
  for (const late of [400, 20, 3000]) skew.observe(1_000_000, 1_060_000 + late);
  skew.observe(NaN, 0);
  assertEquals(skew.serverTime(1_060_020), 1_000_000);
});

Deno.test("timeLeft() counts down from the last estimate, and drops an estimate that was too short", () => {
  const task = record({ eta_ms: 90_000, progress: 97 });
  const at = Date.parse(task.updated_at);
  const left = (ms: number) => timeLeft(task, at + ms)?.replaceAll("\u00a0", " ") ?? null;
  assertEquals([0, 60_000, 89_400, 89_700, 92_000, 94_000].map(left), [
    "1m 30s left",
    "30s left",
    "1s left",
    "almost done",
    "almost done",
    null,
  ]);
  assertEquals(timeLeft(record(), at), null);
  // A task that is late with 70 % done is not almost done.
  assertEquals(timeLeft({ ...task, progress: 70 }, at + 89_700), null);
});

Deno.test("timeLeft() says when a pending task starts, or when its next attempt does", () => {
  const waiting = { status: "pending", run_at: "2030-01-01T00:00:12.000Z" } as const;
  const at = Date.parse("2030-01-01T00:00:00.000Z");
  assertEquals(timeLeft(record({ ...waiting, attempt: 0 }), at), "starts in 12s");
  assertEquals(timeLeft(record({ ...waiting, attempt: 1 }), at), "next attempt in 12s");
  assertEquals(timeLeft(record({ ...waiting, attempt: 1 }), at + 12_000), null);
});
