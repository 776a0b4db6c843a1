import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { Hub } from "../../../lib/feed/hub.ts";
import type { HubEvent } from "../../../lib/feed/hub_event.ts";
import { keys } from "../../../lib/kv/keys.ts";
import type { TaskEvent } from "../../../lib/task/event.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { Replay } from "../../../lib/feed/replay.ts";
import { eventually } from "../../helpers/eventually.ts";
import { EPOCH, inCommits, openHub, testEvent } from "../../helpers/journal.ts";

const log = createLogger({ level: "off" });

interface Wanted {
  wants?: (event: TaskEvent) => boolean;
  maxWeight?: number;
}

/** Reads to the end; `null` if the client needs a snapshot instead. */
async function replay(
  kv: Deno.Kv,
  hub: Hub,
  cursor: string,
  { wants = () => true, ...more }: Wanted = {},
): Promise<HubEvent[] | null> {
  const replay = Replay.from(cursor, { kv, hub, wants, ...more });
  const events: HubEvent[] = [];
  const until = hub.position;
  while (replay !== null) {
    const read = await replay.read(until);
    if (read === null) return null;
    events.push(...read);
    if (replay.reached(until)) return events;
  }
  return null;
}

const seqs = (events: HubEvent[] | null) => events?.map(({ event }) => event.seq) ?? null;

Deno.test("Replay resumes from every cursor that the hub gave, also in the middle of a commit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      async (sizes) => {
        await using opened = await openHub();
        const { kv, hub, write } = opened;
        const start = hub.cursor;
        const live: HubEvent[] = [];
        hub.listen("all", (event) => void live.push(event));
        const commits = inCommits(sizes);
        await write(commits);
        const count = commits.flat().length;
        await eventually(() => assertEquals(live.length, count));
        assertEquals(new Set(live.map(({ cursor }) => cursor)).size, count);
        const expected = live.map(({ event }) => event.seq);
        assertEquals(seqs(await replay(kv, hub, start)), expected);
        for (const [n, { cursor }] of live.entries()) {
          const missed = await replay(kv, hub, cursor);
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

Deno.test("Replay gives null, and never a part, for a cursor that is too old or of another store", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  const start = hub.cursor;
  await write(inCommits([3, 1, 1]));
  await hub.caughtUp();
  const [first, second] = await Array.fromAsync(kv.list({ prefix: keys.journal }));
  const after = (entry: Deno.KvEntry<unknown>) => `${EPOCH}-${String(entry.key[1])}`;
  assertEquals((await replay(kv, hub, start))?.length, 5);
  assertEquals((await replay(kv, hub, `${after(first!)}.1`))?.length, 3);
  assertEquals(await replay(kv, hub, after(first!).replace(EPOCH, "another")), null);
  assertEquals(await replay(kv, hub, `${EPOCH}-ffffffffffffffffffff`), null);
  await kv.delete(first!.key);
  await kv.set(keys.journalFloor, String(first!.key[1]));
  assertEquals(await replay(kv, hub, start), null);
  assertEquals(await replay(kv, hub, `${after(first!)}.1`), null);
  assertEquals((await replay(kv, hub, after(first!)))?.length, 2);
  assertEquals((await replay(kv, hub, after(second!)))?.length, 1);
});

Deno.test("Replay takes the cursors of its store, and gives null for any other text", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
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
      const events = await replay(kv, hub, cursor);
      const ours = /^epoch00001-([0-9a-f]{20})?(\.\d{1,6})?$/.test(cursor) &&
        !cursor.includes("\n");
      assertEquals(events !== null, ours, JSON.stringify(cursor));
    }),
    { numRuns: 300 },
  );
});

Deno.test("Replay.read() makes only the wanted events, and reads a little at a time", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  const start = hub.cursor;
  const json = `"${"x".repeat(40_000)}"`;
  const large = inCommits(Array(40).fill(1), { json });
  await write([...large, [testEvent(41, { id: "t2" })]]);
  await hub.caughtUp();
  const reader = Replay.from(start, { kv, hub, wants: ({ id }) => id === "t2" })!;
  const got: HubEvent[] = [];
  let reads = 0;
  for (; !reader.reached(hub.position); reads++) got.push(...(await reader.read(hub.position))!);
  assertEquals(seqs(got), [41]);
  // 1.6 MB, in reads that end with the commit that exceeds 128 KiB.
  assert(reads > 8 && reads < 30, `${reads} reads`);
});

Deno.test("Replay.from() is null if more has happened since the cursor than its bound, 4 MiB by default", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  const start = hub.cursor;
  const json = `"${"x".repeat(10_000)}"`;
  await write(inCommits(Array(10).fill(1), { json }));
  await hub.caughtUp();
  const wants = () => false;
  assertEquals(Replay.from(start, { kv, hub, wants, maxWeight: 90_000 }), null);
  assertEquals(
    await replay(kv, hub, start, { maxWeight: 110_000 }).then(seqs),
    [
      ...Array(10).keys(),
    ].map((n) => n + 1),
  );
  // The default bound is 4 MiB.
  await write(inCommits(Array(120).fill(1), { json: `"${"x".repeat(40_000)}"` }));
  await hub.caughtUp();
  assertEquals(Replay.from(start, { kv, hub, wants }), null);
});

Deno.test("Replay gives up midway when the hub does not know how much there is to read", async () => {
  await using opened = await openHub();
  const { kv, hub, write } = opened;
  const start = hub.cursor;
  await write(inCommits(Array(40).fill(1), { json: `"${"x".repeat(40_000)}"` }));
  await hub.caughtUp();
  // As after a restart: this hub has passed on none of the entries in the journal.
  await using next = await Hub.open({ kv, sid: "next", epoch: EPOCH, log });
  assertEquals(next.passed.weightSince(""), 0);
  let reads = 0;
  const reader = Replay.from(start, { kv, hub: next, wants: () => true, maxWeight: 500_000 })!;
  while (reads < 12 && await reader.read(next.position) !== null) reads++;
  assertLess(reads, 12);
});
