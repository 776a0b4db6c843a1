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
import { eventually } from "../../helpers/eventually.ts";
import { openHub, testEvent } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const idOf = (n: number) => String(n).padStart(26, "0");

/** A record, as much of it as is looked at. */
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

/** A store that counts how often it is listed. */
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
  /** As an EventSource has it at that moment: `""` before the first. */
  id: string;
  event: string;
  data: string;
}

/** Everything a stream was sent up to now; ends it. */
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

Deno.test("followMany() reads a snapshot once for fifty who come at the same time", async () => {
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

Deno.test("followMany() reads nothing for those who left before it was their turn", async () => {
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
  // Of as many kinds: nobody shares a read.
  const join = (n: number) => {
    const stream = openSse(pulse);
    const selection = { kind: `k${n}` };
    return { stream, joined: followMany(stream, feedOf(kv, hub), { ...all, selection }) };
  };
  const joins = Array.from({ length: 40 }, (_, n) => join(n));
  // Four turns, in each of which a list for each state is read; four reads are under way.
  await eventually(() => assertEquals(lists, 4));
  for (const { stream } of joins.slice(4)) void stream.body.cancel();
  gate.resolve();
  await Promise.all(joins.map(({ joined }) => joined));
  assertEquals(lists, 20);
  for (const { stream } of joins) await stream.body.cancel();
  assertEquals(hub.listeners, 0);
});

Deno.test("followMany() sends a large snapshot in parts, and an id only when all of it is there", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  await putTasks(kv, 120, 20_000);
  await opened.write([[testEvent(1)]]);
  await hub.caughtUp();
  using pulse = new Pulse(2 ** 30);
  const ids = Array.from({ length: 120 }, (_, n) => idOf(n + 1));
  const stream = openSse(pulse);
  const joined = followMany(stream, feedOf(kv, hub), { ...all, selection: { ids } });
  // It waits for its reader: what was missed meanwhile comes behind it.
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
  await reader.cancel();
  await joined;
  assertEquals(hub.listeners, 0);
  assertLess(text.length, 3 * 1024 * 1024);
});

Deno.test("followMany() and followTask() read on where more happened than could be held", async () => {
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

Deno.test("followMany() listens for nobody when its stream ended while it caught up", async () => {
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
