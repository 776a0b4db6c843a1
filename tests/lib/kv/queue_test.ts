import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { keys } from "../../../lib/kv/keys.ts";
import { firstLaters, queuePosition, readLine } from "../../../lib/kv/queue.ts";
import { compareRanks, firstRank, type Rank, rankAt, rankKey } from "../../../lib/kv/rank.ts";

const rank: fc.Arbitrary<Rank> = fc.record({
  id: fc.constantFrom(..."0123456789ABCDEFGHIJ"),
  kind: fc.constantFrom("a", "b"),
  waits: fc.boolean(),
  priority: fc.constantFrom(-100, -1, 0, -0, 1, 100),
  runAt: fc.nat(5),
});

const ranks = fc.uniqueArray(rank, { selector: ({ id }) => id, maxLength: 20 });

async function store(ranks: readonly Rank[]): Promise<Deno.Kv> {
  const kv = await Deno.openKv(":memory:");
  for (const rank of ranks) await kv.set(rankKey(rank), null);
  return kv;
}

/** The rank as its key gives it back: with priority 0 for -0. */
function plain(rank: Rank): Rank {
  return { ...rank, priority: rank.priority + 0 };
}

Deno.test("rankAt() reads back what rankKey() wrote, and keys sort in the order of ranks", async () => {
  await fc.assert(
    fc.asyncProperty(ranks, async (ranks) => {
      using kv = await store(ranks);
      const ofLine = (kind: string) => ranks.filter((it) => it.kind === kind && !it.waits);
      for (const kind of ["a", "b"]) {
        const found = await Array.fromAsync(kv.list({ prefix: keys.queueOf(kind) }));
        const right = ofLine(kind).sort(compareRanks).map(plain);
        assertEquals(found.map(({ key }) => rankAt(key)), right);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("readLine() reads a line page by page, and firstLaters() finds each line that waits for a time", async () => {
  await fc.assert(
    fc.asyncProperty(ranks, fc.integer({ min: 1, max: 4 }), async (ranks, limit) => {
      using kv = await store(ranks);
      for (const kind of ["a", "b"]) {
        const firsts = [firstRank(kind), ...await Array.fromAsync(firstLaters(kv, kind))];
        const found: Rank[] = [];
        for (const first of firsts) {
          for (let from: Rank | null = first; from !== null;) {
            const page: Awaited<ReturnType<typeof readLine>> = await readLine(kv, from, limit);
            assertLessOrEqual(page.ranks.length, limit);
            found.push(...page.ranks);
            from = page.next;
          }
        }
        const right = ranks.filter((it) => it.kind === kind).map(plain);
        assertEquals(found.toSorted(compareRanks), right.toSorted(compareRanks));
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("queuePosition() counts the tasks of the kind that may run before this one, up to a bound", async () => {
  await fc.assert(
    fc.asyncProperty(ranks, fc.nat(5), async (ranks, now) => {
      using kv = await store(ranks);
      const due = ranks.filter(({ waits, runAt }) => !waits || runAt <= now);
      for (const rank of ranks) {
        const before = due.filter((it) => it.kind === rank.kind && compareRanks(it, rank) < 0);
        const position = due.includes(rank) ? before.length + 1 : null;
        assertEquals(await queuePosition(kv, rank, now, 1000), position);
        const capped = position && Math.min(position, 4);
        assertEquals(await queuePosition(kv, rank, now, 3), capped);
      }
    }),
    { numRuns: 50 },
  );
});
