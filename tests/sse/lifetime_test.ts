import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { EventSource } from "eventsource";
import { Drain } from "../../lib/sse/drain.ts";
import type { Pulsed } from "../../lib/sse/pulse.ts";
import type { Server } from "../../lib/server.ts";
import { finished, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { childrenOf } from "../helpers/processes.ts";
import { ON_DENOKV, startServer, testApp } from "../helpers/server.ts";
import {
  openRaw,
  openStream,
  type ReadEvent,
  requestBytes,
  type StreamReader,
} from "../helpers/sse.ts";
import { kvWith } from "../helpers/kv_with.ts";
import { storeThat } from "../helpers/store_that.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** Every stream that an app opens from now on. */
function watchStreams(app: Server): Pulsed[] {
  const streams: Pulsed[] = [];
  const add = app.pulse.add.bind(app.pulse);
  app.pulse.add = (stream) => {
    streams.push(stream);
    add(stream);
  };
  return streams;
}

/**
 * Holds the next app that stops at the point where its streams have ended and it still answers.
 *
 * @returns A function that lets it continue.
 */
function holdAtEnd(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { end } = Drain.prototype;
  Drain.prototype.end = async function (this: Drain): Promise<void> {
    Drain.prototype.end = end;
    await end.call(this);
    await promise;
  };
  return resolve;
}

/** Waits until nothing is left of any stream. */
async function nothingLeft(app: Server, listeners: number): Promise<void> {
  await eventually(() => {
    assertEquals(app.pulse.size, 0);
    assertEquals(app.places.clients.length, 0);
    assertEquals(app.engine.hub.listeners, listeners);
  });
}

const LIMITS = [
  ["HEADWAY_MAX_STREAMS", "two streams at once"],
  ["HEADWAY_MAX_STREAMS_PER_CLIENT", "two streams at once of one client"],
] as const;

for (const [name, what] of LIMITS) {
  Deno.test(`sse 11: past ${what} an EventSource is told to wait, and gets in later by itself`, async () => {
    await using app = await testApp({ [name]: "2" });
    const { listeners } = app.engine.hub;
    const gate = crypto.randomUUID();
    const { task_id } = await submit(app.url, "gated", { gate });
    const url = `${app.url}/tasks/${task_id}/stream`;
    const holders = await Promise.all([openStream(url), openStream(url)]);
    for (const holder of holders) await holder.collect(1);

    const waits: number[] = [];
    const messages: string[] = [];
    const away = Promise.withResolvers<void>();
    const inside = Promise.withResolvers<void>();
    const source = new EventSource(url, {
      // A real fetch, but with a short `retry:`, so that the test does not have to wait for long.
      fetch: async (input, init) => {
        const response = await fetch(input, init as RequestInit);
        const shorten = new TransformStream<string, string>({
          transform: (text, controller) =>
            controller.enqueue(text.replace(/^retry: (\d+)$/m, (_, ms) => {
              waits.push(Number(ms));
              return "retry: 10";
            })),
        });
        const body = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(shorten)
          .pipeThrough(new TextEncoderStream());
        const { url, status, redirected, headers } = response;
        return { url, status, redirected, headers, body };
      },
    });
    source.onerror = ({ code }) => {
      if (source.readyState === source.CLOSED) away.reject(new Error(`It gave up: ${code}`));
      if (waits.length >= 3) away.resolve();
    };
    source.onmessage = (event) => {
      messages.push(event.data);
      inside.resolve();
    };
    await away.promise;
    assertEquals(messages, []);
    // No open stream was closed to make room.
    assertEquals(app.pulse.size, 2);
    assert(holders.every((holder) => !holder.ended));
    await holders[0].close();
    await inside.promise;
    const refusals = waits.slice(0, -1);
    for (const wait of refusals) assert(wait >= 7500 && wait <= 22_500, String(wait));
    assertGreater(new Set(refusals).size, 1);
    source.close();
    await holders[1].close();
    openGate(gate);
    await nothingLeft(app, listeners);
  });
}

Deno.test("sse 11: neither a task's token nor an operator's token uses up the streams of other clients", async () => {
  const [admin, reader] = ["admin-secret-0123456789", "reader-secret-012345678"];
  await using app = await testApp({
    HEADWAY_TOKENS: `me:admin:${admin},it:read:${reader}`,
    HEADWAY_MAX_STREAMS_PER_CLIENT: "3",
  });
  const headers = { authorization: `Bearer ${admin}` };
  const submitted = await post(`${app.url}/tasks`, { kind: "echo", delay_ms: 3_600_000 }, headers);
  const { task_id, token } = await submitted.json();
  const login = await post(`${app.url}/login`, { token: admin });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  await using streams = new AsyncDisposableStack();
  /** Opens `count` streams, and returns how many of them were let in. */
  const open = async (path: string, count: number, headers: Record<string, string> = {}) => {
    let inside = 0;
    for (let n = 0; n < count; n++) {
      const stream = streams.use(await openStream(app.url + path, { headers }));
      assertEquals(stream.response.status, 200);
      await stream.until((it) => it.events.length > 0 || it.ended);
      if (stream.events.length > 0) inside++;
    }
    return inside;
  };
  assertEquals(await open(`/tasks/${task_id}/stream?token=${token}`, 5), 3);
  assertEquals(await open(`/tasks/${task_id}/stream`, 2, headers), 2);
  // A session counts as the token that it was started with.
  assertEquals(await open("/tasks/stream", 3, { cookie }), 1);
  assertEquals(await open("/tasks/stream-all", 2, { authorization: `Bearer ${reader}` }), 2);
  assertEquals(app.places.clients, [
    `task ${task_id}`,
    "address 127.0.0.1",
    "token me",
    "token it",
  ]);
});

Deno.test("sse 17: clients that disconnect at a heartbeat leave nothing behind", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "10" });
  const { listeners } = app.engine.hub;
  await Promise.all(Array.from({ length: 50 }, async () => {
    for (let n = 0; n < 20; n++) {
      using raw = await openRaw(`${app.url}/tasks/stream`);
      await raw.until("heartbeat");
    }
  }));
  await nothingLeft(app, listeners);
});

Deno.test("sse 17: 3,000 clients that come and go leave nothing behind", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate });
  await taskWhen(app.url, task_id, (it) => it.message === "waits");
  const { listeners } = app.engine.hub;
  const streams = watchStreams(app);
  const paths = [`/tasks/${task_id}/stream`, "/tasks/stream?kind=echo", "/tasks/stream-all"];
  for (let round = 0; round < 60; round++) {
    const raws = await Promise.all(
      Array.from({ length: 50 }, (_, n) => openRaw(app.url + paths[n % 3])),
    );
    // Only every other one is read: closing a connection with unread bytes resets it.
    await Promise.all(raws.map((raw, n) => n % 2 === 0 ? raw.until("\r\n\r\n") : null));
    for (const raw of raws) raw.close();
  }
  await nothingLeft(app, listeners);
  assertGreater(streams.length, 1400);
  assert(streams.every(({ ended }) => ended === "gone"));
  openGate(gate);
});

Deno.test("sse 18: clients that disconnect before they are answered leave nothing behind", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const { hostname, port } = new URL(app.url);
  const request = requestBytes(`${app.url}/tasks/${task_id}/stream`);
  const { listeners } = app.engine.hub;
  for (let n = 0; n < 300; n++) {
    const socket = await Deno.connect({ hostname, port: Number(port) });
    await socket.write(n % 3 === 0 ? request.subarray(0, request.length - 4) : request);
    socket.close();
  }
  assertEquals((await fetch(`${app.url}/healthz`).then((it) => it.json())).status, "ok");
  await nothingLeft(app, listeners);
});

Deno.test("sse 20: SseStream.ended says whether the task is done or the client is gone", async () => {
  await using app = await testApp();
  const streams = watchStreams(app);
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  await using done = await openStream(`${app.url}/tasks/${task_id}/stream`);
  await done.all();
  const gone = await openStream(`${app.url}/tasks/stream`);
  await gone.collect(1);
  await gone.close();
  await eventually(() => assertEquals(streams.map(({ ended }) => ended), ["done", "gone"]));
});

Deno.test("sse 21: streams end cleanly when their life is over, and clients resume where they ended", async () => {
  await using app = await testApp({ HEADWAY_STREAM_LIFE_MS: "1500" });
  const streams = watchStreams(app);
  const gate = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate, rows: 2 });
  const url = `${app.url}/tasks/${task_id}/stream`;
  const curl = new Deno.Command("curl", { args: ["-sSN", url], stdout: "null" }).output();
  let lastEventId = "";
  await Promise.all(Array.from({ length: 100 }, async () => {
    await using stream = await openStream(url);
    await stream.all();
    assertEquals(stream.broken, undefined);
    assertEquals(stream.data("complete"), []);
    lastEventId = stream.lastEventId;
  }));
  assertEquals((await curl).code, 0);
  assert(streams.every(({ ended }) => ended === "life"));
  openGate(gate);
  const rest: ReadEvent[] = [];
  while (rest.at(-1)?.event !== "complete") {
    await using again = await openStream(url, { lastEventId });
    rest.push(...await again.all());
    lastEventId = again.lastEventId;
  }
  assertEquals(rest.filter(({ event }) => event === "log").length, 2);
});

Deno.test("sse 22: SIGTERM ends hundreds of streams cleanly, and clients resume at the next server", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  let task_id: string;
  let lastEventIds: string[];
  const env = { HEADWAY_RETRY_MS: "2000" };
  {
    await using server = await startServer({ kv, env });
    const input = { steps: 400, interval_ms: 10, gate: gate.url };
    ({ task_id } = await submit(server.url, "steps", input));
    const streams = await Promise.all(
      Array.from(
        { length: 300 },
        () => openStream(`${server.url}/tasks/${task_id}/stream`, { lastEventId: "0" }),
      ),
    );
    for (const stream of streams) await stream.collect(20);
    const { code } = await server.kill("SIGTERM");
    assertEquals(code, 0);
    for (const stream of streams) {
      await stream.all();
      assertEquals(stream.broken, undefined);
      assertEquals(stream.data("complete"), []);
    }
    const retries = streams.map(({ retry }) => retry!);
    assertGreater(Math.max(...retries) - Math.min(...retries), 1000);
    lastEventIds = streams.map((stream) => stream.lastEventId);
    assertEquals(server.stderr.filter((line) => line.includes('"level":"error"')), []);
  }
  await using server = await startServer({ kv, env });
  gate.open();
  const end = await finished(server.url, task_id);
  assertEquals([end.status, end.attempt], ["completed", 1]);
  const stored = await storedEvents(server.url, task_id);
  const steps = stored.filter(({ event, data }) => event === "log" && /^step/.test(data.message));
  // The task stopped between two yields: no step is lost, and only one that was logged and not yet
  // saved is done twice.
  const told: string[] = steps.map(({ data }) => data.message);
  const once = told.filter((text, n) => text !== told[n - 1]);
  assertEquals(once, Array.from({ length: 400 }, (_, n) => `step ${n + 1}`));
  assertLessOrEqual(told.length - once.length, 1);
  for (const lastEventId of new Set(lastEventIds)) {
    await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`, { lastEventId });
    await stream.all();
    assertEquals(
      stream.events.filter(({ event }) => event === "log").map(({ id }) => Number(id)),
      stored.filter(({ event, seq }) => event === "log" && seq > Number(lastEventId))
        .map(({ seq }) => seq),
    );
    assertEquals(stream.data("complete").length, 1);
  }
});

Deno.test({
  name:
    "sse 22: a stopping server is not ready, ends streams one by one, and answers new ones with 200",
  // On a shared store, streams end over the whole minute that the stop may take.
  ignore: ON_DENOKV,
  fn: stopsWithRegard,
});

async function stopsWithRegard() {
  await using app = await testApp({ HEADWAY_RETRY_MS: "1000" });
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const paths = [`/tasks/${task_id}/stream`, "/tasks/stream", "/tasks/stream-all"];
  const streams = await Promise.all(
    Array.from({ length: 600 }, (_, n) => openStream(app.url + paths[n % 3])),
  );
  for (const stream of streams) await stream.collect(1);
  const letGo = holdAtEnd();
  const begun = performance.now();
  const ends = new Map<StreamReader, number>();
  for (const stream of streams) {
    void stream.closed.then(() => ends.set(stream, performance.now() - begun));
  }
  const stopped = app.stop(60_000);
  const ready = await fetch(`${app.url}/readyz`);
  assertEquals([ready.status, await ready.json()], [503, { status: "stopping" }]);
  assertEquals(
    (await fetch(`${app.url}/tasks/${task_id}`).then((it) => it.json())).task_id,
    task_id,
  );
  for (const stream of streams) await stream.all();
  for (const path of paths) {
    await using stream = await openStream(app.url + path);
    assertEquals(stream.response.status, 200);
    assertEquals(await stream.all(), []);
    assertEquals(stream.broken, undefined);
    assertGreater(stream.retry!, 1000);
  }
  letGo();
  await stopped;
  // One after another, each in its own part of the window: 5 ms a stream.
  assertEquals(app.drain!.windowMs, 3000);
  for (const [n, at] of [...ends.values()].toSorted((a, b) => a - b).entries()) {
    assertGreaterOrEqual(at, 5 * n - 1);
  }
  // The `retry:` at the end of each stream keeps its client away until the window is over.
  for (const stream of streams) {
    assertEquals(stream.broken, undefined);
    assertGreater(ends.get(stream)! + stream.retry!, 3000);
  }
  const retries = streams.map(({ retry }) => retry!);
  assertGreater(Math.max(...retries) - Math.min(...retries), 1000);
}

Deno.test({
  name: "sse 22: a task that does not stop keeps no stream open beyond graceMs",
  // On a shared store, streams do not wait for tasks.
  ignore: ON_DENOKV,
  fn: endsAfterTasks,
});

async function endsAfterTasks() {
  await using app = await testApp({}, { graceMs: 200, inline: false });
  const { task_id } = await submit(app.url, "ignores-cancel");
  await taskWhen(app.url, task_id, (it) => it.message === "deaf");
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  await stream.collect(1);
  // A stream that does not wait for what is written ends as soon as the task's process is gone.
  const { kv } = app.engine.store;
  const unchanged = kvWith(kv, { atomic: kv.atomic.bind(kv) });
  let gone: Promise<void> | undefined;
  kv.atomic = storeThat(unchanged, async () => {
    gone ??= eventually(async () => assertEquals(await childrenOf(Deno.pid), [])).then(someTurns);
    await Promise.race([stream.closed, gone]);
  }).atomic;
  await app.stop(0);
  await gone;
  await stream.all();
  assertEquals(stream.broken, undefined);
  // The stream shows that the task was put back before the stream ended.
  assertEquals(stream.data("message").at(-1).status, "pending");
  assertMatch(stream.data("log").at(-1).message, /^Interrupted/);
}

/** Gives the event loop time for whatever has nothing left to wait for. */
async function someTurns(): Promise<void> {
  for (let n = 0; n < 100; n++) await new Promise((resolve) => setImmediate(resolve));
}
