import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import fc from "fast-check";
import { Drain, spread } from "../../../lib/sse/drain.ts";
import { Pulse } from "../../../lib/sse/pulse.ts";
import { SseStream } from "../../../lib/sse/stream.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";

function open(pulse: Pulse, count: number): SseStream[] {
  const options = { pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 };
  return Array.from({ length: count }, () => new SseStream(options));
}

/** The `retry:` that a stream ended with. */
async function retryOf(stream: SseStream): Promise<number> {
  const text = await new Response(stream.body).text();
  const [, retry] = /^retry: (\d+)\n\n$/.exec(text)!;
  return Number(retry);
}

Deno.test("spread() returns one time in each of the equal intervals of the window", () => {
  fc.assert(
    fc.property(
      fc.nat(2000),
      fc.nat(600_000),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
      (count, windowMs, randoms) => {
        let turn = 0;
        const moments = spread(count, windowMs, () => randoms[turn++ % randoms.length]!);
        assertEquals(moments.length, count);
        for (const [n, at] of moments.entries()) {
          const part = windowMs / count;
          assert(at >= n * part - 1e-6 && at <= (n + 1) * part + 1e-6, `${at} of ${count}`);
        }
      },
    ),
  );
});

Deno.test("Drain ends streams in turn, and has clients wait out its window if no other process answers", async () => {
  using timers = new FakeTimers();
  using pulse = new Pulse(1000);
  const streams = open(pulse, 100);
  const drain = new Drain({ streams, windowMs: 60_000, elsewhere: false, retryMs: 200 });
  assertEquals(drain.windowMs, 500);
  const ended: SseStream[] = [];
  const times: number[] = [];
  for (const stream of streams) {
    stream.closed.addEventListener("abort", () => {
      ended.push(stream);
      times.push(performance.now());
    });
  }
  const ending = drain.end();
  await timers.pass(500);
  await ending;
  assertEquals(ended, streams);
  for (const [n, at] of times.entries()) assert(at >= 5 * n && at <= 5 * n + 5, `${n}: ${at}`);
  assert(streams.every(({ ended }) => ended === "stop"));
  const retries = await Promise.all(streams.map(retryOf));
  // Each client waits for the rest of the window, and then for half to one and a half windows.
  for (const [n, retry] of retries.entries()) assertGreaterOrEqual(times[n]! + retry, 750);
  for (const retry of retries) assert(retry >= 250 && retry <= 1250, String(retry));
  assertGreater(new Set(retries).size, 20);
});

Deno.test("Drain takes its whole window if other processes answer, and lets clients reconnect after retryMs", async () => {
  using pulse = new Pulse(1000);
  const streams = open(pulse, 3);
  const begun = performance.now();
  const options = { streams, windowMs: 300, elsewhere: true, retryMs: 2000, random: () => 0.5 };
  const drain = new Drain(options);
  assertEquals([drain.windowMs, drain.retryMs()], [300, 2000]);
  await drain.end();
  assertGreater(performance.now() - begun, 290);
  assertEquals(await Promise.all(streams.map(retryOf)), [2000, 2000, 2000]);
});

Deno.test("Drain without a window ends all streams at once", async () => {
  using pulse = new Pulse(1000);
  const streams = open(pulse, 50);
  const drain = new Drain({ streams, windowMs: 0, elsewhere: true, retryMs: 10 });
  const ending = drain.end();
  assertEquals(pulse.size, 0);
  await ending;
  await Promise.all(streams.map(retryOf));
});
