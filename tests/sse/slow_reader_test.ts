import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { createParser } from "eventsource-parser";
import { Backlog } from "../../lib/base/backlog.ts";
import { Pulse } from "../../lib/sse/pulse.ts";
import { SseStream } from "../../lib/sse/stream.ts";
import { finished, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { residentBytes } from "../helpers/memory.ts";
import { openGate } from "../helpers/gate.ts";
import { ON_DENOKV, startServer, testApp } from "../helpers/server.ts";
import { openRaw, openStream } from "../helpers/sse.ts";

/** A pulse whose clock a test moves. */
class ManualPulse extends Pulse {
  #now = 0;
  #streams: SseStream[] = [];

  constructor(backlog?: Backlog) {
    super(2 ** 30, backlog);
  }

  override get now(): number {
    return this.#now;
  }

  override add(stream: SseStream): void {
    this.#streams.push(stream);
    super.add(stream);
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const stream of this.#streams) stream.tick(this.#now);
    this.backlog.relieve(this.#now);
  }
}

const MiB = 1024 * 1024;

/** The id and the name of every complete event that a cut connection got. */
function blocks(text: string): { id: string; event: string }[] {
  const read: { id: string; event: string }[] = [];
  createParser({
    onEvent: ({ id = "", event = "message" }) => read.push({ id, event }),
  }).feed(text);
  return read;
}

Deno.test("sse 14: SseStream sends a heartbeat only after heartbeatMs of silence, and none if it is 0", async () => {
  for (const heartbeatMs of [15_000, 0]) {
    using pulse = new ManualPulse();
    const stream = new SseStream({ pulse, heartbeatMs, lifeMs: 0, retryMs: 0, queue: 8 });
    const message = new TextEncoder().encode("data: x\n\n");
    for (let second = 1; second <= 60; second++) {
      if (second <= 10) stream.send(message);
      pulse.pass(1000);
    }
    stream.end();
    const text = await new Response(stream.body).text();
    // The last message is sent at 9 s, so the heartbeats come at 24 s, 39 s and 54 s.
    const beats = heartbeatMs === 0 ? "" : ": heartbeat\n\n".repeat(3);
    assertEquals(text, "data: x\n\n".repeat(10) + beats);
  }
});

Deno.test("sse 14: every stream route sends heartbeats before anything happens", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "30" });
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  for (const path of ["/tasks/stream", "/tasks/stream-all", `/tasks/${task_id}/stream`]) {
    await using stream = await openStream(app.url + path);
    await stream.until((it) => it.comments.length >= 3);
    assertEquals(stream.comments[0], "heartbeat");
    assertEquals(stream.events.length, 1);
  }
});

Deno.test("sse 15: SseStream bounds the heartbeats that wait for a reader, and drops a stalled reader", () => {
  using pulse = new ManualPulse();
  const stream = new SseStream({
    pulse,
    heartbeatMs: 10,
    lifeMs: 0,
    retryMs: 0,
    queue: 8,
  });
  stream.beatWith(() => new TextEncoder().encode(`id: ${"x".repeat(1000)}\n\n`));
  let beats = 0;
  const { enqueue } = ReadableStreamDefaultController.prototype;
  try {
    ReadableStreamDefaultController.prototype.enqueue = function (chunk: unknown) {
      beats++;
      return enqueue.call(this, chunk);
    };
    for (let n = 0; n < 5000; n++) pulse.pass(10);
  } finally {
    ReadableStreamDefaultController.prototype.enqueue = enqueue;
  }
  assertLess(beats, 50);
  assertEquals(stream.ended, null);
  // A reader that takes nothing for a minute is dropped.
  pulse.pass(120_000);
  assertEquals([stream.ended, pulse.size], ["stalled", 0]);
});

Deno.test("sse 16: SseStream takes more messages at once than its queue holds if its reader keeps up", async () => {
  using pulse = new ManualPulse();
  const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 });
  const row = (n: number) => new TextEncoder().encode(`id: ${n}\n\n`);
  for (let n = 0; n < 1000; n++) stream.send(row(n));
  assertEquals(stream.ended, null);
  stream.end();
  const text = await new Response(stream.body).text();
  assertEquals(text, Array.from({ length: 1000 }, (_, n) => `id: ${n}\n\n`).join(""));
});

Deno.test("sse 16: SseStream ends as slow when its queue is full and its reader had time but took nothing", async () => {
  using pulse = new ManualPulse();
  const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 });
  const row = new TextEncoder().encode("id: 1\n\n");
  for (let n = 0; n < 30; n++) stream.send(row);
  assert(stream.flush());
  stream.send(row);
  const text = await new Response(stream.body).text();
  assertEquals(stream.ended, "slow");
  // The messages that the body held: when it resumes, the client gets the rest from the store.
  assertEquals(text, "id: 1\n\n".repeat(16));
});

Deno.test("sse 16: the body of SseStream holds a bounded number of bytes, however large a message is", () => {
  using pulse = new ManualPulse(new Backlog());
  const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 64 });
  let held = 0;
  const { enqueue } = ReadableStreamDefaultController.prototype;
  try {
    ReadableStreamDefaultController.prototype.enqueue = function (chunk: Uint8Array) {
      held += chunk.length;
      return enqueue.call(this, chunk);
    };
    for (let n = 0; n < 16; n++) stream.send(new Uint8Array(100_000));
  } finally {
    ReadableStreamDefaultController.prototype.enqueue = enqueue;
  }
  assertEquals(held, 300_000);
  assertEquals([pulse.backlog.size, pulse.backlog.bytes], [1, 1_600_000]);
  stream.letGo();
  assertEquals([pulse.backlog.size, pulse.backlog.bytes, pulse.size], [0, 0, 0]);
});

Deno.test("sse 16: if too much waits for all readers, those that took nothing for longest are dropped", async () => {
  using pulse = new ManualPulse(new Backlog({ maxBytes: 3 * MiB }));
  const open = () => {
    const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 64 });
    for (let n = 0; n < 8; n++) stream.send(new Uint8Array(100_000));
    return stream;
  };
  const stuck = open();
  pulse.pass(1000);
  const slow = open();
  const others = [open(), open(), open()];
  const reader = slow.body.getReader();
  pulse.pass(1500);
  // One of its eight messages is enough to count as reading.
  await reader.read();
  pulse.pass(1000);
  assertEquals([stuck, slow, ...others].map(({ ended }) => ended), [
    "stalled",
    ...Array(4).fill(null),
  ]);
  // Its client sees a broken connection, and reconnects.
  await assertRejects(() => new Response(stuck.body).bytes());
  pulse.pass(1000);
  // The platform holds another half MiB for each stuck reader, so two of the three have to go.
  assertEquals([slow, ...others].map(({ ended }) => ended), [
    null,
    "stalled",
    "stalled",
    null,
  ]);
  assertLess(pulse.backlog.bytes, 3 * MiB);
  await reader.cancel();
});

Deno.test("sse 17: SseStream ends without an error when a heartbeat finds that its client is gone", () => {
  using pulse = new ManualPulse();
  const stream = new SseStream({
    pulse,
    heartbeatMs: 10,
    lifeMs: 0,
    retryMs: 0,
    queue: 8,
  });
  stream.beatWith(() => new TextEncoder().encode("id: 1\n\n"));
  const { enqueue } = ReadableStreamDefaultController.prototype;
  try {
    ReadableStreamDefaultController.prototype.enqueue = function (chunk: unknown) {
      enqueue.call(this, chunk);
      // As the runtime does when it writes to a connection that is closed.
      void stream.body.cancel();
    };
    pulse.pass(20);
  } finally {
    ReadableStreamDefaultController.prototype.enqueue = enqueue;
  }
  assertEquals([stream.ended, pulse.size], ["gone", 0]);
});

Deno.test({
  name:
    "sse 16: clients that stop reading cost bounded memory, disturb no other, and miss no row on resume",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startServer();
    const rows = 800;
    const bytes = 40_000;
    // A warm-up: memory that the first run takes for good does not count for the readers.
    await finished(
      server.url,
      (await submit(server.url, "log-many", { rows: 200, bytes })).task_id,
    );
    const before = await residentBytes(server.process.pid);
    const { task_id } = await submit(server.url, "log-many", { rows, bytes }, { delay_ms: 200 });
    const url = `${server.url}/tasks/${task_id}/stream`;
    const stuck = await Promise.all(
      Array.from({ length: 10 }, () => openRaw(url, { headers: { "last-event-id": "0" } })),
    );
    const looks: Promise<number>[] = [];
    await using good = await openStream(url, { lastEventId: "0" });
    await good.until((it) => {
      // The memory is measured at each chunk.
      looks.push(residentBytes(server.process.pid));
      return it.ended;
    });
    const kept = good.events.filter(({ event }) => event !== "message").map(({ id }) => id);
    assertEquals(kept.length, rows + 1);
    // All rows for all stuck readers would be 320 MB.
    const highest = Math.max(...await Promise.all(looks));
    assertLess((highest - before) / MiB, 150);

    // Now one of them reads on: it gets what waited and a clean end, but not the end of the task.
    const [first, ...others] = stuck;
    for (const other of others) other.close();
    using raw = first!;
    await raw.until("\r\n0\r\n\r\n");
    const { text, complete } = raw.body();
    assert(complete, "ended between two messages");
    const seen = blocks(text);
    assert(seen.every(({ event }) => event !== "complete"), "it did not get everything");
    assertLess(text.length, 16 * MiB);
    assertGreater(seen.length, 10);
    const logs = seen.filter(({ event }) => event !== "message").map(({ id }) => id);
    await using again = await openStream(url, { lastEventId: seen.at(-1)!.id });
    await again.all();
    logs.push(...again.events.filter(({ event }) => event !== "message").map(({ id }) => id));
    assertEquals(logs, kept);
  },
});

Deno.test("sse 21: SseStreams end after 80 to 100 % of lifeMs, at different times", () => {
  using pulse = new ManualPulse();
  const ends = Array.from({ length: 100 }, () => {
    return new SseStream({ pulse, heartbeatMs: 0, lifeMs: 600_000, retryMs: 0, queue: 8 });
  });
  const seconds: number[] = [];
  for (const { closed } of ends) {
    closed.addEventListener("abort", () => seconds.push(pulse.now / 1000));
  }
  for (let second = 1; second <= 600; second++) pulse.pass(1000);
  assertEquals(ends.map(({ ended }) => ended), Array(100).fill("life"));
  assert(seconds.every((at) => at >= 480 && at <= 600), `${seconds}`);
  assertGreater(new Set(seconds).size, 30);
});

Deno.test("sse 24: an event is encoded once, however many clients watch its task", async () => {
  await using app = await testApp();
  const marker = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate: marker, rows: 1 });
  const streams = await Promise.all(
    Array.from({ length: 30 }, () => openStream(`${app.url}/tasks/${task_id}/stream`)),
  );
  for (const stream of streams) await stream.until((it) => it.data("message").at(-1)?.message);
  const encoded: string[] = [];
  const { encode } = TextEncoder.prototype;
  try {
    TextEncoder.prototype.encode = function (text = "") {
      if (/^id: \d+\nevent: log\n/.test(text) && text.includes("row 1")) encoded.push(text);
      return encode.call(this, text);
    };
    openGate(marker);
    for (const stream of streams) await stream.all();
  } finally {
    TextEncoder.prototype.encode = encode;
  }
  for (const stream of streams) assertEquals(stream.data("log")[0].message, "row 1");
  assertEquals(encoded.length, 1);
});

Deno.test({
  name: "sse 31: a slow reader gets conflated progress, and still the end of the task",
  // A slow store conflates progress for every reader.
  ignore: ON_DENOKV,
  fn: progressIsConflated,
});

async function progressIsConflated() {
  await using app = await testApp();
  const input = { characters: 4000, interval_ms: 1, gate: "conflated" };
  const { task_id } = await submit(app.url, "wide-ticker", input);
  const url = `${app.url}/tasks/${task_id}/stream`;
  using slow = await openRaw(url, { headers: { connection: "close" } });
  await using quick = await openStream(url);
  // 18 MB, which is more than the sockets of the slow reader hold.
  await quick.until((it) => it.events.length > 1500);
  openGate("conflated");
  await quick.all();
  await slow.toEnd();
  const { text, complete } = slow.body();
  assert(complete);
  const progress: number[] = [];
  const events: string[] = [];
  let last = -1;
  createParser({
    onEvent({ id, event = "message", data }) {
      assertGreater(Number(id), last);
      last = Number(id);
      events.push(event);
      if (event === "message") progress.push(JSON.parse(data).done ?? 0);
    },
  }).feed(text);
  assertLess(progress.length, quick.data("message").length);
  assertEquals(progress, progress.toSorted((a, b) => a - b));
  assertEquals(progress.at(-1), quick.data("message").at(-1).done);
  assertEquals(events.slice(-2), ["message", "complete"]);
  assertEquals(events.filter((event) => event === "complete").length, 1);
  assertEquals((await storedEvents(app.url, task_id)).at(-1)!.event, "complete");
}

Deno.test({
  name: "sse 08: a reader that trimming overtakes gets a reset, and then the rows that are left",
  // 60 MB take a KV Connect server too long.
  ignore: ON_DENOKV,
  fn: trimmingOvertakes,
});

async function trimmingOvertakes() {
  await using app = await testApp({ HEADWAY_MAX_LOG: "300" });
  const rows = 1500;
  const { task_id } = await submit(app.url, "log-many", { rows, bytes: 40_000 });
  await taskWhen(app.url, task_id, ({ seq }) => seq > 250);
  // 12 MB, which is more than its sockets hold: the reader is in the middle of the stored rows.
  using raw = await openRaw(`${app.url}/tasks/${task_id}/stream`, {
    headers: { "last-event-id": "0", connection: "close" },
  });
  await finished(app.url, task_id);
  await raw.toEnd();
  let last: number | null = null;
  let resets = 0;
  createParser({
    onEvent({ event, data }) {
      if (event === "reset") {
        assertEquals(JSON.parse(data).reason, "too-old");
        resets++;
        last = null;
      } else if (event === "log") {
        const row = Number(JSON.parse(data).message.split(" ")[1]);
        if (last !== null) assertEquals(row, last + 1);
        last = row;
      }
    },
  }).feed(raw.body().text);
  assertEquals(last, rows);
  // There may be several: trimming can overtake the reader more than once.
  assertGreater(resets, 0);
}
