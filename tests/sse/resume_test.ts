import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { createParser } from "eventsource-parser";
import { finished, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/kinds.ts";
import { seededRandom } from "../helpers/random.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw, openStream, type ReadEvent } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("sse 06: a task's stream begins with an id, and a client that resumes after it misses nothing", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate, rows: 3 }, { delay_ms: 100 });
  const url = `${app.url}/tasks/${task_id}/stream`;
  const one = await openStream(url);
  const [first] = await one.collect(1);
  assertMatch(first!.id, /^\d+$/);
  await one.close();
  openGate(gate);
  await finished(app.url, task_id);
  await using again = await openStream(url, { lastEventId: first!.id });
  await again.all();
  assertEquals(again.data("reset"), []);
  assertEquals(again.data("log").map(({ message }) => message), ["row 1", "row 2", "row 3"]);
  assertEquals(again.data("complete").length, 1);
});

Deno.test("sse 06: GET /tasks/stream of an empty store begins with a cursor, and resumes after it", async () => {
  await using app = await testApp();
  const many = await openStream(`${app.url}/tasks/stream`);
  const [snapshot] = await many.collect(1);
  assertEquals([snapshot!.event, snapshot!.data], ["snapshot", '{"tasks":[]}']);
  await many.close();
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  await using again = await openStream(`${app.url}/tasks/stream`, { lastEventId: snapshot!.id });
  await again.until((it) => it.data("complete").length === 1);
  assertEquals(again.data("reset"), []);
  assertEquals(again.data("message").map(({ status }) => status), [
    "pending",
    "running",
    "completed",
  ]);
});

Deno.test("sse 06: a client that resumes and missed nothing gets a cursor at once, not with a heartbeat", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "0" });
  const many = await openStream(`${app.url}/tasks/stream`);
  const [snapshot] = await many.collect(1);
  await many.close();
  using again = await openRaw(`${app.url}/tasks/stream`, {
    headers: { "last-event-id": snapshot!.id },
  });
  assert(await again.until(`id: ${snapshot!.id}`));
});

/** Reads the complete events from the bytes that a connection had when it was cut. */
function wholeEvents(text: string): Pick<ReadEvent, "id" | "event">[] {
  const events: Pick<ReadEvent, "id" | "event">[] = [];
  createParser({
    onEvent: ({ id = "", event = "message" }) => events.push({ id, event }),
  }).feed(text);
  return events;
}

Deno.test("sse 07: 500 random cuts of a stream with 1,000 rows a second lose, repeat and reorder no row", async () => {
  await using app = await testApp();
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const rows = 3000;
  const { task_id } = await submit(app.url, "log-many", { rows, burst: 10, pause_ms: 10 });
  let cuts = 0;
  async function client(random: () => number): Promise<string[]> {
    const seen: string[] = [];
    let lastEventId = "0";
    while (true) {
      const room = random() * 4000;
      using raw = await openRaw(`${app.url}/tasks/${task_id}/stream`, {
        headers: { "last-event-id": lastEventId, connection: "close" },
      });
      while (raw.text.length < room && await raw.read());
      raw.close();
      // A read may bring more than `room`: what comes after the cut counts as never received.
      raw.text = raw.text.slice(0, room);
      const { text, complete } = raw.body();
      const events = wholeEvents(text);
      for (const { id, event } of events) {
        // The current state may be sent again; all other ids increase.
        const step = Number(id) - Number(lastEventId);
        if (event === "message" ? step < 0 : step <= 0) {
          throw new Error(`${event} ${id} after ${lastEventId}, seed ${seed}`);
        }
        lastEventId = id;
        if (event !== "message") seen.push(`${event} ${id}`);
        if (event === "complete") return seen;
      }
      if (!complete) cuts++;
    }
  }
  const clients = Array.from({ length: 5 }, (_, n) => client(seededRandom(seed + n)));
  const seen = await Promise.all(clients);
  const stored = (await storedEvents(app.url, task_id))
    .filter(({ event }) => event !== "message")
    .map(({ event, seq }) => `${event} ${seq}`);
  assertEquals(stored.length, rows + 1);
  for (const own of seen) assertEquals(own, stored, `seed ${seed}`);
  assertGreater(cuts, 500, `seed ${seed}`);
});

Deno.test("sse 07: random cuts of GET /tasks/stream lose no task's newest state and no complete event", async () => {
  // Ends the connections that do not get enough to be cut.
  await using app = await testApp({ HEADWAY_STREAM_LIFE_MS: "200" });
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const random = seededRandom(seed);
  const tasks = 300;
  const first = await openStream(`${app.url}/tasks/stream?kind=echo`);
  let { id: lastEventId } = (await first.collect(1))[0]!;
  await first.close();
  const submitting = (async () => {
    for (let n = 0; n < tasks; n++) await submit(app.url, "echo");
  })();
  const seen = new Map<string, string[]>();
  let completed = 0;
  let cuts = 0;
  while (completed < tasks) {
    const room = random() * 6000;
    using raw = await openRaw(`${app.url}/tasks/stream?kind=echo`, {
      headers: { "last-event-id": lastEventId, connection: "close" },
    });
    while (raw.text.length < room && await raw.read());
    raw.close();
    cuts++;
    createParser({
      onId: (id) => lastEventId = id,
      onEvent({ event = "message", data }) {
        if (event === "reset") throw new Error(`reset, seed ${seed}`);
        const { task_id, status } = JSON.parse(data);
        const own = seen.get(task_id) ?? [];
        seen.set(task_id, own);
        own.push(`${event} ${status}`);
        if (event === "complete") completed++;
      },
    }).feed(raw.body().text);
  }
  await submitting;
  assertEquals(seen.size, tasks);
  assertGreater(cuts, 50);
  // A client that falls behind gets only the newest state of a task.
  const states = ["message pending", "message running", "message completed", "complete completed"];
  for (const own of seen.values()) {
    assertEquals(own, states.filter((state) => own.includes(state)), `seed ${seed}`);
    assertEquals(own.slice(-2), states.slice(-2), `seed ${seed}`);
  }
});

Deno.test("sse 08: an id that a task's stream cannot resume gets a reset event with the whole task", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate, rows: 2 });
  await taskWhen(app.url, task_id, (it) => it.message === "waits");
  const url = `${app.url}/tasks/${task_id}/stream`;
  for (const id of ["garbage", "999999", "-1", "1.5", "1e3", "９", "9".repeat(400), "a-b.3"]) {
    const encoded = encodeURIComponent(id);
    await using stream = await openStream(`${url}?last_event_id=${encoded}`);
    const [reset, next] = await stream.collect(2);
    assertEquals(reset!.event, "reset");
    const { reason, task } = JSON.parse(reset!.data);
    assertEquals(reason, id === "999999" ? "unknown" : "malformed");
    assertEquals([task.task_id, task.status, task.message], [task_id, "running", "waits"]);
    assertEquals([next!.event, next!.id], ["message", "1"]);
  }
  openGate(gate);
  await finished(app.url, task_id);
  // An unknown id gets a reset from a finished task, too, and not 204.
  await using stream = await openStream(url, { lastEventId: "999999" });
  await stream.all();
  assertEquals(stream.events[0]!.event, "reset");
  assertEquals(stream.data("log").length, 2);
  assertEquals(stream.data("complete").length, 1);
});

Deno.test("sse 08: an id from before removed rows gets a reset, and then every row that is kept", async () => {
  await using app = await testApp({ HEADWAY_MAX_LOG: "100" });
  const { task_id } = await submit(app.url, "log-many", { rows: 1000, burst: 50, pause_ms: 1 });
  await finished(app.url, task_id);
  const stored = await storedEvents(app.url, task_id);
  const kept = stored.filter(({ event }) => event === "log");
  assert(kept.length < 1000 && kept.length > 0, `${kept.length} rows kept`);
  const url = `${app.url}/tasks/${task_id}/stream`;
  // The id is from before the first row, since a slow store removes rows by the hundred.
  await using old = await openStream(url, { lastEventId: "1" });
  await old.all();
  assertEquals(JSON.parse(old.events[0]!.data).reason, "too-old");
  assertEquals(old.events.filter(({ event }) => event === "log").length, kept.length);
  // 0 asks for every row that ever was, and some were removed.
  for (const how of [{ lastEventId: "0" }, {}]) {
    const query = "lastEventId" in how ? "" : "?last_event_id=0";
    await using whole = await openStream(`${url}${query}`, how);
    await whole.all();
    assertEquals(whole.events[0]!.event, "reset");
    assertEquals(JSON.parse(whole.events[0]!.data).reason, "too-old");
    assertEquals(whole.data("log").length, kept.length);
  }
  await using unasked = await openStream(url);
  await unasked.all();
  assertEquals(unasked.events.map(({ event }) => event), ["message", "complete"]);
  // The oldest id after which every row is kept.
  await using young = await openStream(url, { lastEventId: String(kept[0]!.seq - 1) });
  await young.all();
  assertEquals(young.data("reset"), []);
  assertEquals(young.data("log").length, kept.length);
});

Deno.test("sse 08: a cursor that GET /tasks/stream cannot resume gets a reset event with the tasks", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  await using now = await openStream(`${app.url}/tasks/stream`);
  const { id } = (await now.collect(1))[0]!;
  const other = id.replace(/^[^-]+/, "0123456789");
  const future = id.replace(/[0-9a-f]{20}$/, "f".repeat(20));
  for (const wrong of ["garbage", "12", other, future, `${id}.x`]) {
    await using stream = await openStream(`${app.url}/tasks/stream`, { lastEventId: wrong });
    const [reset] = await stream.collect(1);
    assertEquals(reset!.event, "reset", wrong);
    const { reason, tasks } = JSON.parse(reset!.data);
    const known = wrong === other || wrong === future;
    assertEquals([reason, tasks[0].task_id], [known ? "unknown" : "malformed", task_id]);
    assertEquals(reset!.id.split("-")[0], id.split("-")[0]);
    assert(reset!.id >= id);
  }
});

Deno.test("sse 09: a cursor of GET /tasks/stream is resumed after a restart, and reset on a new store", async () => {
  await using directory = await tempDir();
  const settings = (name: string) => ({ HEADWAY_KV: `${directory.path}/${name}.db` });
  let cursor: string;
  let old: string;
  {
    await using app = await testApp(settings("before"));
    old = (await submit(app.url, "echo")).task_id;
    await finished(app.url, old);
    await using stream = await openStream(`${app.url}/tasks/stream`);
    cursor = (await stream.collect(1))[0]!.id;
  }
  {
    await using app = await testApp(settings("before"));
    const { task_id } = await submit(app.url, "echo");
    await using stream = await openStream(`${app.url}/tasks/stream`, { lastEventId: cursor });
    await stream.until((it) => it.data("complete").some((end) => end.task_id === task_id));
    assertEquals(stream.data("reset"), []);
  }
  await using app = await testApp(settings("after"));
  for (let n = 0; n < 3; n++) await finished(app.url, (await submit(app.url, "echo")).task_id);
  await using many = await openStream(`${app.url}/tasks/stream`, { lastEventId: cursor });
  assertEquals((await many.collect(1))[0]!.event, "reset");
  // The stream of one task needs no such check: the new store has no task with the old id.
  await using one = await openStream(`${app.url}/tasks/${old}/stream`, { lastEventId: "3" });
  assertEquals(one.response.status, 404);
});

Deno.test("sse 10: the stream of a finished task gives 204 only to a client that has its complete event", async () => {
  await using app = await testApp();
  for (const [kind, status] of [["echo", "completed"], ["throws", "failed"]] as const) {
    const { task_id } = await submit(app.url, kind, {});
    await finished(app.url, task_id);
    const url = `${app.url}/tasks/${task_id}/stream`;
    for (const lastEventId of [undefined, "0", "1", "2"]) {
      await using stream = await openStream(
        url,
        lastEventId === undefined ? {} : { lastEventId },
      );
      assertEquals(stream.response.status, 200);
      const events = await stream.all();
      assertEquals(stream.broken, undefined);
      const [last, complete] = events.slice(-2);
      assertEquals([last!.event, JSON.parse(last!.data).status], ["message", status]);
      assertEquals([complete!.event, JSON.parse(complete!.data).status], ["complete", status]);
      // A client that was cut off between the two events gets only the second.
      await using between = await openStream(url, { lastEventId: last!.id });
      assertEquals(await between.all(), [complete!]);
      await using again = await openStream(url, { lastEventId: stream.lastEventId });
      assertEquals(again.response.status, 204);
      assertEquals(await again.all(), []);
    }
  }
});

Deno.test("sse 10: the stream of a retried task resumes after the first end, and completes again", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "throws", {});
  await finished(app.url, task_id);
  const url = `${app.url}/tasks/${task_id}/stream`;
  await using first = await openStream(url);
  await first.all();
  const retried = await post(`${app.url}/tasks/${task_id}/retry`).then((it) => it.json());
  assertEquals([retried.task_id, retried.finished_at], [task_id, null]);
  await finished(app.url, task_id);
  await using second = await openStream(url, { lastEventId: first.lastEventId });
  assertEquals(second.response.status, 200);
  await second.all();
  assertEquals(second.data("message").map(({ status }) => status), [
    "pending",
    "running",
    "failed",
  ]);
  assertEquals(second.data("complete").length, 1);
  // From the beginning, the first end is not sent: the retry took it back.
  await using whole = await openStream(url, { lastEventId: "0" });
  await whole.all();
  assertEquals(whole.events.filter(({ event }) => event === "complete").length, 1);
  assertEquals(whole.events.at(-1)!.event, "complete");
});

Deno.test("sse 25: last_event_id in the query resumes a stream, and the Last-Event-ID header overrides it", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "log-many", { rows: 5 });
  await finished(app.url, task_id);
  const url = `${app.url}/tasks/${task_id}/stream`;
  const logs = async (query: string, lastEventId?: string) => {
    await using stream = await openStream(
      url + query,
      lastEventId === undefined ? {} : { lastEventId },
    );
    await stream.all();
    return stream.data("log").map(({ seq }) => seq);
  };
  const [first, second, third, fourth, fifth] = await logs("?last_event_id=0");
  assertEquals(await logs(""), []);
  assertEquals(await logs(`?last_event_id=${third}`), [fourth, fifth]);
  assertEquals(await logs(`?last_event_id=${first}`, String(fourth)), [fifth]);
  assertEquals(await logs(`?last_event_id=${fourth}`, String(first)), [
    second,
    third,
    fourth,
    fifth,
  ]);
  assertEquals(await logs(`?last_event_id=garbage`, String(fourth)), [fifth]);
  // As event-source-polyfill does when it reconnects.
  assertEquals(await logs(`?last_event_id=0&lastEventId=${fourth}`), [fifth]);
});

Deno.test("sse 32: heartbeats advance the cursor of a stream over quiet tasks while other tasks are busy", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "50" });
  await using quiet = await openStream(`${app.url}/tasks/stream?kind=says`);
  const [snapshot] = await quiet.collect(1);
  const { task_id: busy } = await submit(app.url, "ticker", { interval_ms: 5 });
  await quiet.until((it) => it.lastEventId !== snapshot!.id);
  const before = quiet.lastEventId;
  await quiet.until((it) => it.lastEventId !== before);
  const { lastEventId } = quiet;
  assertEquals(quiet.events.length, 1);
  await quiet.close();
  const { task_id } = await submit(app.url, "says", { texts: ["x"] });
  await finished(app.url, task_id);
  await using again = await openStream(`${app.url}/tasks/stream?kind=says`, { lastEventId });
  await again.until((it) => it.data("complete").length === 1);
  assertEquals(again.data("reset"), []);
  assertEquals(new Set(again.data("message").map((it) => it.task_id)), new Set([task_id]));
  await post(`${app.url}/tasks/${busy}/cancel`).then((it) => it.json());
});
