import { assert, assertEquals, assertLess } from "@std/assert";
import { createParser } from "eventsource-parser";
import { followMany, type FollowManyOptions } from "../../../lib/feed/follow_many.ts";
import { followTask } from "../../../lib/feed/follow_task.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { createFeed, type Feed } from "../../../lib/feed/feed.ts";
import type { Hub } from "../../../lib/feed/hub.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { Pulse } from "../../../lib/sse/pulse.ts";
import { SseStream } from "../../../lib/sse/stream.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { STATUSES } from "../../../lib/task/record.ts";
import { eventually } from "../../helpers/eventually.ts";
import { openHub, testEvent } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const idOf = (n: number) => String(n).padStart(26, "0");

/** A record with only the fields that these tests read. */
function recordOf(n: number, seq: number, padding = 0): string {
  const message = "x".repeat(padding);
  return `{"task_id":"${idOf(n)}","status":"running","seq":${seq},"message":"${message}"}`;
}

async function putTasks(kv: Deno.Kv, count: number, padding = 0): Promise<void> {
  for (let n = 1; n <= count; n++) {
    const stored = { record: recordOf(n, 1, padding), trimmed: 0 } as Head;
    await kv.set(keys.task(idOf(n)), stored);
  }
}

/** A store that counts the calls of `list()`. */
function counting(kv: Deno.Kv): { kv: Deno.Kv; lists: () => number } {
  let lists = 0;
  const list: Deno.Kv["list"] = (...args) => {
    lists++;
    return kv.list(...args);
  };
  return { kv: kvWith(kv, { list }), lists: () => lists };
}

function openSse(pulse: Pulse): SseStream {
  return new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 256 });
}

interface Seen {
  /** The last event id that an EventSource has at that moment; `""` before the first one. */
  id: string;
  event: string;
  data: string;
}

/** Ends a stream, and returns everything that was sent to it. */
async function endAndRead(stream: SseStream): Promise<{ events: Seen[]; id: string }> {
  stream.end();
  const events: Seen[] = [];
  let id = "";
  createParser({
    onId: (next) => id = next,
    onEvent: ({ event = "message", data }) => events.push({ id, event, data }),
  }).feed(await new Response(stream.body).text());
  return { events, id };
}

function feedOf(kv: Deno.Kv, hub: Hub): Feed {
  return createFeed(kv, hub, new Heads(kv, hub.pending));
}

const all = { selection: "all", lastEventId: null } as const;

Deno.test("followMany() reads a snapshot once for each fifty clients that come at the same time", async () => {
  await using opened = await openHub();
  const { hub } = opened;
  await putTasks(opened.kv, 20);
  using pulse = new Pulse(2 ** 30);
  const { kv, lists } = counting(opened.kv);
  const feed = feedOf(kv, hub);
  const streams = Array.from({ length: 200 }, () => openSse(pulse));
  await Promise.all(streams.map((stream) => followMany(stream, feed, all)));
  assertEquals(lists(), 4);
  const update = testEvent(2, { type: "progress", id: idOf(3), json: recordOf(3, 2) });
  await opened.write([[update]]);
  await hub.caughtUp();
  for (const stream of streams) {
    const { events } = await endAndRead(stream);
    assertEquals(events.map(({ event }) => event), ["snapshot", "message"]);
    assertEquals(JSON.parse(events[0]!.data).tasks.length, 20);
    assertEquals(events[1]!.data, update.json);
  }
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() reads nothing for a client that left before its turn", async () => {
  await using opened = await openHub();
  const { hub } = opened;
  await putTasks(opened.kv, 3);
  for (let n = 0; n < 40; n++) await opened.kv.set(keys.kind(`k${n}`), null);
  using pulse = new Pulse(2 ** 30);
  const gate = Promise.withResolvers<void>();
  let lists = 0;
  const kv = kvWith(opened.kv, {
    list: async function* (...args: Parameters<Deno.Kv["list"]>) {
      lists++;
      await gate.promise;
      yield* opened.kv.list(...args);
    } as unknown as Deno.Kv["list"],
  });
  // Each client selects another kind, so that no two share a read.
  const join = (n: number) => {
    const stream = openSse(pulse);
    const selection = { kind: `k${n}` };
    return { stream, joined: followMany(stream, feedOf(kv, hub), { ...all, selection }) };
  };
  const joins = Array.from({ length: 40 }, (_, n) => join(n));
  // Four reads may run at once. Each waits at the first of its lists, one for each status.
  await eventually(() => assertEquals(lists, 4));
  for (const { stream } of joins.slice(4)) void stream.body.cancel();
  gate.resolve();
  await Promise.all(joins.map(({ joined }) => joined));
  assertEquals(lists, 4 * STATUSES.length);
  for (const { stream } of joins) await stream.body.cancel();
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() sends a large snapshot in several messages, and an id only after the last of them", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  await putTasks(kv, 120, 20_000);
  await opened.write([[testEvent(1)]]);
  await hub.caughtUp();
  using pulse = new Pulse(2 ** 30);
  const ids = Array.from({ length: 120 }, (_, n) => idOf(n + 1));
  const stream = openSse(pulse);
  const joined = followMany(stream, feedOf(kv, hub), { ...all, selection: { ids } });
  // The snapshot waits for its reader. Events that happen meanwhile follow it.
  const reader = stream.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const seen: Seen[] = [];
  let id = "";
  const parser = createParser({
    onId: (next) => id = next,
    onEvent: ({ event = "message", data }) => seen.push({ id, event, data }),
  });
  const feed = async () => {
    const { value } = await reader.read();
    const chunk = decoder.decode(value, { stream: true });
    text += chunk;
    parser.feed(chunk);
  };
  await feed();
  const change = testEvent(2, { type: "progress", id: idOf(7), json: recordOf(7, 2) });
  await opened.write([[change, testEvent(1, { id: idOf(999), type: "progress" })]]);
  await hub.caughtUp();
  let level = false;
  void joined.then(() => level = true);
  while (seen.at(-1)?.data !== change.json) await feed();
  assertEquals(seen[0]!.event, "snapshot");
  const first = JSON.parse(seen[0]!.data).tasks.length;
  assert(first > 10 && first < 120, `${first}`);
  assertEquals(seen.length, 1 + (120 - first) + 1);
  for (const { id, event } of seen.slice(1, -1)) assertEquals([id, event], ["", "message"]);
  assert(seen.at(-1)!.id !== "");
  pulse.streams.forEach((it) => it.flush());
  await eventually(() => assert(level));
  await feed();
  assertEquals(id, hub.cursor);
  await reader.cancel();
  await joined;
  assertEquals(hub.listeners, 0);
  assertLess(text.length, 3 * 1024 * 1024);
});

Deno.test("followMany() and followTask() read on from the store when too many events came to be held", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  await putTasks(kv, 3);
  using pulse = new Pulse(2 ** 30);
  const feed = feedOf(kv, hub);
  const { hold } = hub;
  const refuse = (times: number) => {
    let left = times;
    hub.hold = () => {
      const held = hold.call(hub);
      return left-- > 0 ? { ...held, events: () => null } : held;
    };
  };
  const update = (seq: number) =>
    testEvent(seq, { type: "progress", id: idOf(2), json: recordOf(2, seq) });
  for (const selection of ["all", { ids: [idOf(2)] }] as FollowManyOptions["selection"][]) {
    refuse(2);
    const stream = openSse(pulse);
    await followMany(stream, feed, { ...all, selection });
    await opened.write([[update(2)]]);
    await hub.caughtUp();
    const { events, id } = await endAndRead(stream);
    assertEquals(events.map(({ event }) => event), ["snapshot", "message"]);
    assertEquals(id, hub.cursor);
  }
  refuse(2);
  const stream = openSse(pulse);
  await followTask(stream, feed, { id: idOf(2), lastEventId: null });
  await opened.write([[update(3)]]);
  await hub.caughtUp();
  const { events } = await endAndRead(stream);
  assertEquals(events.at(-1)!.data, update(3).json);
});

Deno.test("followMany() adds no listener when its stream ended while the client caught up", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  using pulse = new Pulse(2 ** 30);
  const stream = openSse(pulse);
  const reached = Promise.withResolvers<void>();
  hub.reach = () => reached.promise;
  const options = { selection: "all", lastEventId: "x" } as const;
  const following = followMany(stream, feedOf(kv, hub), options);
  await stream.body.cancel();
  reached.resolve();
  await following;
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() lets no heartbeat move a client's cursor past events that were not sent yet", async () => {
  await using opened = await openHub();
  const { hub } = opened;
  await putTasks(opened.kv, 3);
  await opened.write([[testEvent(1)]]);
  await hub.caughtUp();
  const cursor = hub.cursor;
  const update = testEvent(2, { type: "progress", id: idOf(2), json: recordOf(2, 2) });
  await opened.write([[update]]);
  await hub.caughtUp();
  using pulse = new Pulse(2 ** 30);
  let seq = 2;
  for (const lastEventId of [cursor, null]) {
    const { promise: read, resolve: readOn } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
      asked.resolve();
      await read;
      yield* opened.kv.list(...args);
    };
    const kv = kvWith(opened.kv, { list: list as unknown as Deno.Kv["list"] });
    const stream = new SseStream({ pulse, heartbeatMs: 1, lifeMs: 0, retryMs: 0, queue: 256 });
    const joined = followMany(stream, feedOf(kv, hub), { selection: "all", lastEventId });
    await asked.promise;
    stream.tick(pulse.now + 1);
    // The heartbeat sent no id: a client that is cut off now resumes from its old one.
    assertEquals(await endAndRead(stream), { events: [], id: "" });
    readOn();
    await joined;
    const level = new SseStream({ pulse, heartbeatMs: 1, lifeMs: 0, retryMs: 0, queue: 256 });
    await followMany(level, feedOf(kv, hub), { selection: "all", lastEventId });
    await opened.write([[testEvent(++seq, { type: "checkpoint" })]]);
    await hub.caughtUp();
    level.tick(pulse.now + 1);
    assertEquals((await endAndRead(level)).id, hub.cursor);
  }
});

/** A record with an owner and tags, and only the other fields that these tests read. */
function labeled(n: number, seq: number, owner: string, tags: string[] = ["t"]): string {
  return JSON.stringify({ task_id: idOf(n), kind: "k1", status: "running", owner, tags, seq });
}

/** The events of a stream as texts: the type, the number of the task, and its seq. */
function toldOf(events: readonly Seen[]): string[] {
  return events.flatMap(({ event, data }) => {
    const { tasks, task_id, seq = "" } = JSON.parse(data);
    if (tasks) return [`${event} ${tasks.map((task: { task_id: string }) => +task.task_id)}`];
    return [`${event} ${+task_id} ${seq}`];
  });
}

Deno.test("followMany() of an owner or tag sends events of its tasks alone, live and resumed, deletes included", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  for (const [n, owner, tag] of [[1, "me", "t"], [2, "you", "t"], [3, "me", "u"]] as const) {
    const stored = { record: labeled(n, 1, owner, [tag]), trimmed: 0 } as Head;
    await kv.set(keys.task(idOf(n)), stored);
    await kv.set(keys.owned(owner, idOf(n)), null);
    await kv.set(keys.tagged(tag, idOf(n)), null);
  }
  using pulse = new Pulse(2 ** 30);
  const feed = feedOf(kv, hub);
  const ids = [1, 2, 3].map(idOf);
  const selections = {
    owner: { owner: "me" },
    tag: { tags: ["t"] },
    both: { owner: "me", tags: ["t"] },
    kind: { owner: "me", kind: "k2" },
    named: { ids, owner: "me" },
  };
  const wanted: Record<string, string[]> = {
    owner: ["snapshot 3,1", "message 1 2", "log 1 3", "message 3 2", "complete 1 ", "deleted 3 "],
    tag: ["snapshot 2,1", "message 1 2", "log 1 3", "message 2 2", "log 2 3", "complete 1 "],
    both: ["snapshot 1", "message 1 2", "log 1 3", "complete 1 "],
    kind: ["snapshot "],
    named: ["snapshot 1,3", "message 1 2", "log 1 3", "message 3 2", "complete 1 ", "deleted 3 "],
  };
  const rows = [1, 2].map(idOf);
  const streams = Object.entries(selections).map(([name, selection]) => {
    const stream = openSse(pulse);
    return {
      name,
      selection,
      stream,
      joined: followMany(stream, feed, { ...all, selection, rows }),
    };
  });
  await Promise.all(streams.map(({ joined }) => joined));
  const log = (n: number) => testEvent(3, { id: idOf(n), json: '{"seq":3}' });
  const change = (n: number, owner: string, tag: string) =>
    testEvent(2, { id: idOf(n), type: "message", json: labeled(n, 2, owner, [tag]) });
  const end = (n: number, type: "complete" | "deleted", labels: object) =>
    testEvent(4, { id: idOf(n), type, json: JSON.stringify({ task_id: idOf(n), ...labels }) });
  await opened.write([
    [change(1, "me", "t"), log(1), change(2, "you", "t"), log(2), change(3, "me", "u")],
    [end(1, "complete", { owner: "me", tags: ["t"] }), log(3)],
    [end(3, "deleted", { owner: "me", tags: ["u"] }), end(2, "deleted", { owner: "you" })],
  ]);
  await kv.delete(keys.owned("me", idOf(3)));
  await kv.delete(keys.task(idOf(3)));
  await hub.caughtUp();
  for (const { name, selection, stream } of streams) {
    const { events } = await endAndRead(stream);
    assertEquals(toldOf(events), wanted[name], name);
    // A client that left after any of these events is sent the rest of them, and nothing else.
    for (const [n, { id }] of events.entries()) {
      if (id === "") continue;
      const again = openSse(pulse);
      await followMany(again, feed, { selection, rows, lastEventId: id });
      const rest = toldOf((await endAndRead(again)).events);
      assertEquals(rest, wanted[name]!.slice(n + 1), `${name} behind ${n}`);
    }
  }
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() calls only the streams of a task's owner for an event, however many streams there are", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  using pulse = new Pulse(2 ** 30);
  const feed = feedOf(kv, hub);
  let asked = 0;
  const listen = hub.listen.bind(hub);
  hub.listen = (topic, listener) => listen(topic, (event) => (asked++, listener(event)));
  const streams = Array.from({ length: 200 }, () => openSse(pulse));
  await Promise.all(
    streams.map((stream, n) => followMany(stream, feed, { ...all, selection: { owner: `o${n}` } })),
  );
  assertEquals(hub.listeners, 200);
  const update = testEvent(1, { id: idOf(1), type: "progress", json: labeled(1, 1, "o7") });
  await opened.write([[update]]);
  await hub.caughtUp();
  assertEquals(asked, 1);
  for (const stream of streams) await stream.body.cancel();
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() tells a stream of a token's own tasks about removals, missed ones included", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  using pulse = new Pulse(2 ** 30);
  const feed = feedOf(kv, hub);
  await opened.write([[testEvent(1, { id: idOf(9) })]]);
  await hub.caughtUp();
  const lastEventId = hub.cursor;
  // Only the `submitted` event says who submitted a task: the store has no key for that.
  const gone = (n: number, token: string) => [
    testEvent(0, { id: idOf(n), type: "submitted", json: JSON.stringify(token) }),
    testEvent(2, { id: idOf(n), type: "deleted", json: `{"task_id":"${idOf(n)}"}` }),
  ];
  await opened.write([gone(1, "me"), gone(2, "you")]);
  await hub.caughtUp();
  const stream = openSse(pulse);
  const own = await feed.ownTasks.of("me", stream.closed);
  await followMany(stream, feed, { selection: { own }, lastEventId });
  await opened.write([gone(3, "me"), gone(4, "you")]);
  await hub.caughtUp();
  const { events } = await endAndRead(stream);
  assertEquals(toldOf(events), ["deleted 1 ", "deleted 3 "]);
});

Deno.test("followMany() shows a token its own tasks with a tag, however old, and those that arrive meanwhile", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  const put = async (n: number, submitter: string, tags: string[]) => {
    const stored = { record: labeled(n, 1, "o", tags), trimmed: 0, submitter } as Head;
    await kv.set(keys.task(idOf(n)), stored);
    await kv.set(keys.submitted(submitter, idOf(n)), null);
    for (const tag of tags) await kv.set(keys.tagged(tag, idOf(n)), null);
  };
  await put(1, "me", ["t"]);
  await put(2, "you", ["t"]);
  for (let n = 3; n < 150; n++) await put(n, "me", []);
  using pulse = new Pulse(2 ** 30);
  // One more task arrives while the list is read.
  let late = true;
  const list = (...args: Parameters<Deno.Kv["list"]>) => {
    const entries = kv.list(...args);
    const next = entries.next.bind(entries);
    entries.next = async () => {
      const result = await next();
      if (late && String((args[0] as { start: Deno.KvKey }).start?.[0]) === "tagged") {
        late = false;
        await put(200, "me", ["t"]);
        const json = labeled(200, 1, "o", ["t"]);
        await opened.write([[
          testEvent(0, { id: idOf(200), type: "submitted", json: '"me"' }),
          testEvent(1, { id: idOf(200), type: "message", json }),
        ]]);
        await hub.caughtUp();
      }
      return result;
    };
    return entries;
  };
  const feed = feedOf(kvWith(kv, { list } as unknown as Partial<Deno.Kv>), hub);
  const stream = openSse(pulse);
  const own = await feed.ownTasks.of("me", stream.closed);
  await followMany(stream, feed, { ...all, selection: { own, tags: ["t"] } });
  const { events } = await endAndRead(stream);
  assertEquals([toldOf(events), late], [["snapshot 1", "message 200 1"], false]);
});

Deno.test("followMany() sends progress that was shown before and is stored while the client catches up", async () => {
  await using opened = await openHub();
  const { hub } = opened;
  await opened.write([[testEvent(1)]]);
  await hub.caughtUp();
  const lastEventId = hub.cursor;
  await opened.write([[testEvent(2)]]);
  await hub.caughtUp();
  const progress = testEvent(2, { type: "progress", id: idOf(1), json: recordOf(1, 2) });
  hub.show(progress);
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    yield* opened.kv.list(...args);
    await opened.write([[progress]], "me");
    await hub.caughtUp();
  } as unknown as Deno.Kv["list"];
  using pulse = new Pulse(2 ** 30);
  const stream = openSse(pulse);
  const feed = feedOf(kvWith(opened.kv, { list }), hub);
  await followMany(stream, feed, { selection: "all", lastEventId });
  const { events } = await endAndRead(stream);
  assertEquals([[...hub.pending.shown], events.map(({ data }) => data)], [[], [progress.json]]);
});
