import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { startOf } from "../../../lib/feed/follow_task.ts";
import { followMany } from "../../../lib/feed/follow_many.ts";
import { Hub } from "../../../lib/feed/hub.ts";
import type { HubEvent } from "../../../lib/feed/hub_event.ts";
import { Journal } from "../../../lib/store/journal.ts";
import { keys } from "../../../lib/kv/keys.ts";
import type { TaskEvent } from "../../../lib/task/event.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { Pulse, SseStream } from "../../../lib/sse/stream.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { eventually } from "../../helpers/eventually.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const log = createLogger({ level: "off" });
const EPOCH = "epoch00001";

interface Opened extends AsyncDisposable {
  kv: Deno.Kv;
  hub: Hub;
  /** Writes events, a commit each array, by this process or another. */
  write(commits: TaskEvent[][], sid?: string): Promise<void>;
}

async function open(): Promise<Opened> {
  await using resources = new AsyncDisposableStack();
  const kv = resources.adopt(await Deno.openKv(":memory:"), (kv) => kv.close());
  const hub = resources.use(await Hub.open({ kv, sid: "me", epoch: EPOCH, log }));
  const owned = resources.move();
  return {
    kv,
    hub,
    async write(commits, sid = "other") {
      const journal = new Journal({ kv, sid, log });
      for (const events of commits) assert((await journal.write({ events })).ok);
      await journal.close();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function event(n: number, more: Partial<TaskEvent> = {}): TaskEvent {
  return { type: "log", id: "t1", kind: "k1", seq: n, json: `{"n":${n}}`, ...more };
}

/** Numbers of 1 to `count` in commits of the given sizes. */
function inCommits(sizes: readonly number[]): TaskEvent[][] {
  let n = 0;
  return sizes.map((size) => Array.from({ length: size }, () => event(++n)));
}

Deno.test("Hub passes on each event of its topic once, in order, with no signal but the watch", async () => {
  await using opened = await open();
  const { hub, write } = opened;
  const got: Record<string, number[]> = { t1: [], k2: [], all: [] };
  const note = (name: string) => ({ event }: HubEvent) => void got[name]!.push(event.seq);
  const stop = hub.listen({ id: "t1" }, note("t1"));
  hub.listen({ kind: "k2" }, note("k2"));
  hub.listen("all", note("all"));
  assertEquals(hub.listeners, 3);
  await write([
    [event(1), event(2, { id: "t2", kind: "k2" })],
    [event(3)],
    [event(4, { id: "t3", kind: "k2" })],
  ]);
  await eventually(() => assertEquals(got.all, [1, 2, 3, 4]));
  assertEquals([got.t1, got.k2], [[1, 3], [2, 4]]);
  stop();
  await write([[event(5)]]);
  await eventually(() => assertEquals(got.all!.at(-1), 5));
  assertEquals(got.t1, [1, 3]);
});

Deno.test("followMany() resumes by the cursor of a process that is ahead of this one", async () => {
  await using opened = await open();
  const { kv, hub: ahead, write } = opened;
  await write([[event(1)]]);
  // Nothing tells it of what others write.
  const deaf = kvWith(kv, { watch: () => new ReadableStream() });
  await using hub = await Hub.open({ kv: deaf, sid: "me too", epoch: EPOCH, log });
  await write([[event(2)], [event(3)]]);
  await ahead.caughtUp();
  using pulse = new Pulse(2 ** 30);
  for (const lastEventId of [ahead.cursor, `${EPOCH}-${"f".repeat(20)}`]) {
    const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 8 });
    await followMany(stream, { hub, kv, selection: "all", lastEventId });
    stream.end();
    const text = await new Response(stream.body).text();
    assertEquals(text.includes("event: reset"), lastEventId !== ahead.cursor);
  }
});

Deno.test("Hub begins behind what is there already", async () => {
  await using opened = await open();
  const { kv, write } = opened;
  await write([[event(1)]]);
  await using hub = await Hub.open({ kv, sid: "me", epoch: EPOCH, log });
  const got: number[] = [];
  hub.listen("all", ({ event }) => void got.push(event.seq));
  await write([[event(2)]]);
  await eventually(() => assertEquals(got, [2]));
});

Deno.test("Hub.open() finds the progress that a head lags behind, though the clock was set since", async () => {
  await using opened = await open();
  const { kv, write } = opened;
  const id = "01J0000000000000000000TEST";
  const record = (seq: number) => `{"task_id":"${id}","seq":${seq}}`;
  await write([[event(7, { type: "progress", id, json: record(7) })]]);
  const { now } = Date;
  for (const jump of [3_600_000, -3_600_000]) {
    try {
      Date.now = () => now() + jump;
      await write([[event(1)]]);
    } finally {
      Date.now = now;
    }
    await using hub = await Hub.open({ kv, sid: "next", epoch: EPOCH, log });
    const { record: shown } = hub.freshen({ record: record(3) } as Head);
    assertEquals(shown, record(7));
  }
});

Deno.test("Hub.next() gives the first event that is wanted, or null when it is called off", async () => {
  await using opened = await open();
  const { hub, write } = opened;
  const controller = new AbortController();
  const wanted = hub.next("t1", ({ seq }) => seq > 1, controller.signal);
  await write([[event(1), event(2), event(3)]]);
  assertEquals((await wanted)?.seq, 2);
  const never = hub.next("t1", () => true, controller.signal);
  controller.abort();
  assertEquals([await never, await hub.next("t1", () => true, controller.signal)], [null, null]);
  assertEquals(hub.listeners, 0);
});

Deno.test("Hub.replay() goes on from every cursor it ever gave, in the middle of a commit too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      async (sizes) => {
        await using opened = await open();
        const { hub, write } = opened;
        const start = hub.cursor;
        const live: HubEvent[] = [];
        hub.listen("all", (event) => void live.push(event));
        const commits = inCommits(sizes);
        await write(commits);
        const count = commits.flat().length;
        await eventually(() => assertEquals(live.length, count));
        assertEquals(new Set(live.map(({ cursor }) => cursor)).size, count);
        const seqs = (events: HubEvent[] | null) => events?.map(({ event }) => event.seq);
        const expected = live.map(({ event }) => event.seq);
        assertEquals(seqs(await hub.replay(start, hub.cursor, 1000)), expected);
        for (const [n, { cursor }] of live.entries()) {
          const missed = await hub.replay(cursor, hub.cursor, 1000);
          assertEquals(seqs(missed), expected.slice(n + 1));
          assertEquals(
            missed?.map(({ cursor }) => cursor),
            live.slice(n + 1).map(({ cursor }) => cursor),
          );
        }
      },
    ),
    { numRuns: 15 },
  );
});

Deno.test("Hub.replay() gives nothing rather than a part: too many, too old, of another store", async () => {
  await using opened = await open();
  const { kv, hub, write } = opened;
  const start = hub.cursor;
  await write(inCommits([1, 1, 1]));
  await hub.caughtUp();
  const [first, second] = await Array.fromAsync(kv.list({ prefix: keys.journal }));
  assertEquals((await hub.replay(start, hub.cursor, 3))?.length, 3);
  assertEquals(await hub.replay(start, hub.cursor, 2), null);
  const after = (entry: Deno.KvEntry<unknown>) => `${EPOCH}-${String(entry.key[1])}`;
  assertEquals(await hub.replay(after(first!).replace(EPOCH, "another"), hub.cursor, 9), null);
  assertEquals(await hub.replay(`${EPOCH}-ffffffffffffffffffff`, hub.cursor, 9), null);
  await kv.delete(first!.key);
  await kv.set(keys.journalFloor, String(first!.key[1]));
  assertEquals(await hub.replay(start, hub.cursor, 9), null);
  assertEquals((await hub.replay(after(first!), hub.cursor, 9))?.length, 2);
  assertEquals((await hub.replay(after(second!), hub.cursor, 9))?.length, 1);
});

Deno.test("Hub.replay() takes any text for a cursor, and most for none", async () => {
  await using opened = await open();
  const { hub, write } = opened;
  await write(inCommits([2, 2]));
  await hub.caughtUp();
  const near = fc.tuple(
    fc.constantFrom(EPOCH, "EPOCH00001", "", "other"),
    fc.constantFrom("-", "", "--", "."),
    fc.constantFrom(hub.position, hub.position.slice(1), `${hub.position}0`, "", "zz"),
    fc.constantFrom("", ".", ".0", ".1", ".-1", ".99999999", ".1e3", "\n", "\0"),
  ).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: "binary" }), near), async (cursor) => {
      const events = await hub.replay(cursor, hub.cursor, 1000);
      const ours = /^epoch00001-([0-9a-f]{20})?(\.\d{1,6})?$/.test(cursor) &&
        !cursor.includes("\n");
      assertEquals(events !== null, ours, JSON.stringify(cursor));
    }),
    { numRuns: 300 },
  );
});

Deno.test("startOf() says from where a stream goes on, or why it cannot", () => {
  const task = { seq: 100, trimmed: 40 };
  const reset = (reason: string) => ({ from: "reset", reason });
  const cases: [string | null, unknown][] = [
    [null, { from: "now" }],
    ["", { from: "now" }],
    ["0", { from: "seq", seq: 0 }],
    ["40", { from: "seq", seq: 40 }],
    ["100", { from: "seq", seq: 100 }],
    ["007", reset("too-old")],
    ["39", reset("too-old")],
    ["101", reset("unknown")],
    ["999999999999999", reset("unknown")],
    ["9999999999999999", reset("malformed")],
  ];
  for (const [id, start] of cases) assertEquals<unknown>(startOf(id, task), start, `${id}`);
});

Deno.test("startOf() never takes a text for a place that is none", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.nat(),
      fc.nat(),
      (id, seq, trimmed) => {
        const start = startOf(id, { seq, trimmed });
        if (/^[0-9]{1,15}$/.test(id) && !id.includes("\n")) return;
        assertEquals(start, { from: "reset", reason: "malformed" });
      },
    ),
  );
  fc.assert(
    fc.property(fc.nat(200), fc.nat(100), fc.nat(100), (id, seq, trimmed) => {
      const start = startOf(String(id), { seq, trimmed });
      if (id > seq) assertEquals<unknown>(start, { from: "reset", reason: "unknown" });
      else if (id > 0 && id < trimmed) {
        assertEquals<unknown>(start, { from: "reset", reason: "too-old" });
      } else assertEquals(start, { from: "seq", seq: id });
    }),
  );
});
