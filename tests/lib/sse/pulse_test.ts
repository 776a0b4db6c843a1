import { assert, assertEquals, assertLess } from "@std/assert";
import { Pulse } from "../../../lib/sse/pulse.ts";
import { SseStream } from "../../../lib/sse/stream.ts";

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("Pulse sends some messages in each turn of the event loop, and each stream's messages in order", async () => {
  using pulse = new Pulse(2 ** 30);
  const streams = Array.from(
    { length: 350 },
    () => new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 }),
  );
  const message = (n: number) => new TextEncoder().encode(`data: ${n}\n\n`);
  for (const stream of streams) stream.send(message(1));
  // Only some messages went out: the others must not hold up the event loop.
  const first = pulse.sent;
  assert(first > 0);
  assertLess(first, streams.length);
  // Later messages go behind those that wait; one with a key replaces an earlier one with that key.
  const last = streams.at(-1)!;
  last.send(message(2));
  last.send(message(3), "progress");
  last.send(message(4), "progress");
  let turns = 0;
  for (let sent = -1; sent !== pulse.sent; turns++) {
    sent = pulse.sent;
    await turnOfTheLoop();
  }
  assert(turns > 2);
  for (const stream of streams) stream.end();
  const texts = await Promise.all(streams.map(({ body }) => new Response(body).text()));
  assertEquals(new Set(texts.slice(0, -1)), new Set(["data: 1\n\n"]));
  assertEquals(texts.at(-1), "data: 1\n\ndata: 2\n\ndata: 4\n\n");
});

Deno.test("Pulse sends every message of a stream that ends in the same turn of the event loop", async () => {
  using pulse = new Pulse(2 ** 30);
  const streams = Array.from(
    { length: 250 },
    () => new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 }),
  );
  for (const stream of streams) {
    stream.send(new TextEncoder().encode("data: x\n\n"));
    stream.end();
  }
  const texts = await Promise.all(streams.map(({ body }) => new Response(body).text()));
  assertEquals(new Set(texts), new Set(["data: x\n\n"]));
  assertEquals([pulse.size, pulse.ended.done], [0, streams.length]);
});
