import { assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { startOf } from "../../../lib/feed/follow_task.ts";
import { followMany } from "../../../lib/feed/follow_many.ts";
import { Hub } from "../../../lib/feed/hub.ts";
import type { HubEvent } from "../../../lib/feed/hub_event.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { createFeed } from "../../../lib/feed/feed.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { Pulse } from "../../../lib/sse/pulse.ts";
import { SseStream } from "../../../lib/sse/stream.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { eventually } from "../../helpers/eventually.ts";
import { MovedClock } from "../../helpers/moved_clock.ts";
import { EPOCH, openHub, testEvent } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const log = createLogger({ level: "off" });

Deno.test("Hub passes each event to the listeners of its topic once, in order, woken by the watch alone", async () => {
  await using opened = await openHub();
  const { hub, write } = opened;
  const got: Record<string, number[]> = { t1: [], k2: [], all: [] };
  const note = (name: string) => ({ event }: HubEvent) => void got[name]!.push(event.seq);
  const stop = hub.listen({ ids: ["t1"] }, note("t1"));
  hub.listen({ kind: "k2" }, note("k2"));
  hub.listen("all", note("all"));
  assertEquals(hub.listeners, 3);
  await write([
    [testEvent(1), testEvent(2, { id: "t2", kind: "k2" })],
    [testEvent(3)],
    [testEvent(4, { id: "t3", kind: "k2" })],
  ]);
  await eventually(() => assertEquals(got.all, [1, 2, 3, 4]));
  assertEquals([got.t1, got.k2], [[1, 3], [2, 4]]);
  stop();
  await write([[testEvent(5)]]);
  await eventually(() => assertEquals(got.all!.at(-1), 5));
  assertEquals(got.t1, [1, 3]);
});

Deno.test("followMany() resumes from the cursor of a process that is ahead of this one", async () => {
  await using opened = await openHub();
  const { kv, hub: ahead, write } = opened;
  await write([[testEvent(1)]]);
  // No watch tells this hub what other processes write.
  const deaf = kvWith(kv, { watch: () => new ReadableStream() });
  await using hub = await Hub.open({ kv: deaf, sid: "me too", epoch: EPOCH, log });
  await write([[testEvent(2)], [testEvent(3)]]);
  await ahead.caughtUp();
  using pulse = new Pulse(2 ** 30);
  for (const lastEventId of [ahead.cursor, `${EPOCH}-${"f".repeat(20)}`]) {
    const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 });
    const feed = createFeed(kv, hub, new Heads(kv, hub.pending));
    await followMany(stream, feed, { selection: "all", lastEventId });
    stream.end();
    const text = await new Response(stream.body).text();
    assertEquals(text.includes("event: reset"), lastEventId !== ahead.cursor);
  }
});

Deno.test("Hub.caughtUp() waits for what was committed before the call, and not for later commits", async () => {
  await using opened = await openHub();
  const { kv, write } = opened;
  let reads = 1000;
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    yield* kv.list(...args);
    // As if others kept writing while it reads, a thousand times.
    if (++reads < 1000) hub.wake();
  };
  const busy = kvWith(kv, {
    list: list as unknown as Deno.Kv["list"],
    watch: () => new ReadableStream(),
  });
  await using hub = await Hub.open({ kv: busy, sid: "me too", epoch: EPOCH, log });
  reads = 0;
  await write([[testEvent(1)]]);
  await hub.caughtUp();
  assertEquals(hub.position, (await kv.get(keys.journalHead)).versionstamp);
  assertLess(reads, 10);
  reads = 1000;
});

Deno.test("Hub.wake() starts another read, also at the very moment when a read ends", async () => {
  await using opened = await openHub();
  const { kv } = opened;
  let reads = 0;
  let onread = () => {};
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    yield* kv.list(...args);
    reads++;
    onread();
  };
  const watched = kvWith(kv, {
    list: list as unknown as Deno.Kv["list"],
    watch: () => new ReadableStream(),
  });
  await using hub = await Hub.open({ kv: watched, sid: "me too", epoch: EPOCH, log });
  for (let turns = 0; turns < 20; turns++) {
    const woken = Promise.withResolvers<void>();
    reads = 0;
    onread = () => {
      onread = () => {};
      // So many microtasks after the end of the list.
      let step = Promise.resolve();
      for (let turn = 0; turn < turns; turn++) step = step.then(() => {});
      void step.then(() => hub.wake()).then(woken.resolve);
    };
    hub.wake();
    await woken.promise;
    await eventually(() => assertEquals(reads, 2, `${turns} turns behind`));
  }
});

Deno.test("Hub.caughtUp() resolves when the hub is closed", async () => {
  await using opened = await openHub();
  const { kv } = opened;
  const asked = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  let opening = true;
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    if (!opening) {
      asked.resolve();
      await read.promise;
    }
    yield* kv.list(...args);
  };
  const slow = kvWith(kv, {
    list: list as unknown as Deno.Kv["list"],
    watch: () => new ReadableStream(),
  });
  const hub = await Hub.open({ kv: slow, sid: "me too", epoch: EPOCH, log });
  opening = false;
  hub.wake();
  await asked.promise;
  // It waits for another read, which never begins.
  const caughtUp = hub.caughtUp();
  const closed = hub[Symbol.asyncDispose]();
  read.resolve();
  await Promise.all([caughtUp, closed]);
  await hub.caughtUp();
});

Deno.test("Hub.open() begins after the newest entry of the journal", async () => {
  await using opened = await openHub();
  const { kv, write } = opened;
  await write([[testEvent(1)]]);
  await using hub = await Hub.open({ kv, sid: "me", epoch: EPOCH, log });
  const got: number[] = [];
  hub.listen("all", ({ event }) => void got.push(event.seq));
  await write([[testEvent(2)]]);
  await eventually(() => assertEquals(got, [2]));
});

Deno.test("Hub.open() reads progress that a head does not have yet, even if the clock was changed since", async () => {
  await using opened = await openHub();
  const { kv, write } = opened;
  const id = "01J0000000000000000000TEST";
  const record = (seq: number) => `{"task_id":"${id}","seq":${seq}}`;
  await kv.set(keys.task(id), { record: record(3) } as Head);
  await kv.set(keys.session("gone"), { unfolded: null });
  await write([[testEvent(7, { type: "progress", id, json: record(7) })]]);
  for (const ahead of [3_600_000, -3_600_000]) {
    {
      using _ = new MovedClock(ahead);
      await write([[testEvent(1)]]);
    }
    await using hub = await Hub.open({ kv, sid: "next", epoch: EPOCH, log });
    const head = await new Heads(kv, hub.pending).get(id);
    assertEquals(head?.record, record(7));
  }
});

Deno.test("Hub.next() resolves with the first wanted event, or with null when its signal aborts", async () => {
  await using opened = await openHub();
  const { hub, write } = opened;
  const controller = new AbortController();
  const wanted = hub.next("t1", ({ seq }) => seq > 1, controller.signal);
  await write([[testEvent(1), testEvent(2), testEvent(3)]]);
  assertEquals((await wanted)?.seq, 2);
  const never = hub.next("t1", () => true, controller.signal);
  controller.abort();
  assertEquals([await never, await hub.next("t1", () => true, controller.signal)], [null, null]);
  assertEquals(hub.listeners, 0);
});

Deno.test("startOf() says from where a stream resumes, or why it cannot", () => {
  const task = { seq: 100, trimmed: 40, lostIds: [[60, 70]] as const };
  const reset = (reason: string) => ({ from: "reset", reason });
  const cases: [string | null, unknown][] = [
    [null, { from: "now" }],
    ["", { from: "now" }],
    ["0", reset("too-old")],
    ["40", { from: "seq", seq: 40 }],
    ["60", { from: "seq", seq: 60 }],
    ["61", reset("unknown")],
    ["69", reset("unknown")],
    ["70", { from: "seq", seq: 70 }],
    ["100", { from: "seq", seq: 100 }],
    ["007", reset("too-old")],
    ["39", reset("too-old")],
    ["101", reset("unknown")],
    ["999999999999999", reset("unknown")],
    ["9999999999999999", reset("malformed")],
  ];
  for (const [id, start] of cases) assertEquals<unknown>(startOf(id, task), start, `${id}`);
});

Deno.test("startOf() refuses any text that is not a seq, and any seq that it cannot resume from", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.nat(),
      fc.nat(),
      (id, seq, trimmed) => {
        const start = startOf(id, { seq, trimmed, lostIds: [] });
        if (/^[0-9]{1,15}$/.test(id) && !id.includes("\n")) return;
        assertEquals(start, { from: "reset", reason: "malformed" });
      },
    ),
  );
  fc.assert(
    fc.property(fc.nat(200), fc.nat(100), fc.nat(100), (id, seq, trimmed) => {
      const start = startOf(String(id), { seq, trimmed, lostIds: [] });
      if (id > seq) assertEquals<unknown>(start, { from: "reset", reason: "unknown" });
      else if (id < trimmed) {
        assertEquals<unknown>(start, { from: "reset", reason: "too-old" });
      } else assertEquals(start, { from: "seq", seq: id });
    }),
  );
});
