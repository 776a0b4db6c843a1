import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { history, historyPage, type Page } from "../../../lib/kv/history.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { encodeRows } from "../../../lib/kv/event_text.ts";
import type { Row } from "../../../lib/task/event.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const ID = "01J0000000000000000000TEST";

/** The rows of commits, some in each, with gaps in `seq` where progress was. */
const commits = fc.array(
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 }),
  { maxLength: 30 },
).map((commits) => {
  let seq = 0;
  return commits.map((gaps) =>
    gaps.map((gap): Row => ({ type: "log", seq: seq += gap, json: `{"seq":${seq}}` }))
  );
});

async function put(kv: Deno.Kv, commits: readonly Row[][]): Promise<Row[]> {
  for await (const { key } of kv.list({ prefix: keys.events(ID) })) await kv.delete(key);
  for (const rows of commits) {
    await kv.set(keys.event(ID, rows.at(-1)!.seq), encodeRows(rows));
  }
  await kv.set(keys.task(ID), { trimmed: 0 });
  // A row of another task, which no read may return.
  await kv.set(
    keys.event("01J0000000000000000000OTHR", 5),
    encodeRows([{ type: "log", seq: 5, json: "{}" }]),
  );
  return commits.flat();
}

Deno.test("history() returns every row after a seq, in order, also from the middle of a commit", async () => {
  using kv = await Deno.openKv(":memory:");
  await fc.assert(
    fc.asyncProperty(commits, fc.nat(100), async (commits, after) => {
      const all = await put(kv, commits);
      const got = (await Array.fromAsync(history(kv, ID, after))).flat();
      assertEquals(got, all.filter(({ seq }) => seq > after));
    }),
    { numRuns: 60 },
  );
});

Deno.test("history() has at most four reads under way, however many callers there are", async () => {
  using kv = await Deno.openKv(":memory:");
  const all = await put(
    kv,
    Array.from({ length: 60 }, (_, n) => [{ type: "log", seq: n + 1, json: "{}" }]),
  );
  let reading = 0;
  let most = 0;
  const counting = new Proxy(kv, {
    get: (_, name) =>
      async function* (...args: Parameters<Deno.Kv["list"]>) {
        assertEquals(name, "list");
        most = Math.max(most, ++reading);
        yield* kv.list(...args);
        reading--;
      },
  });
  const got = await Promise.all(
    Array.from({ length: 30 }, () => Array.fromAsync(history(counting, ID, 0))),
  );
  for (const batches of got) assertEquals(batches.flat(), all);
  assertEquals(most, 4);
});

Deno.test("historyPage() ends a page of large rows early, and the next page continues from there", async () => {
  using kv = await Deno.openKv(":memory:");
  const large = (seq: number): Row => ({ type: "log", seq, json: `"${"x".repeat(40_000)}"` });
  const all = await put(kv, Array.from({ length: 50 }, (_, n) => [large(n + 1)]));
  const got: Row[] = [];
  let pages = 0;
  for (let after: number | null = 0; after !== null; pages++) {
    const { rows, next }: Page = (await historyPage(kv, ID, after, 1000))!;
    assertLessOrEqual(rows.length * 40_000, 600_000);
    got.push(...rows);
    after = next;
  }
  assertEquals(got, all);
  assertLessOrEqual(pages, 5);
});

Deno.test("historyPage() returns the whole history in as few pages as its limit allows", async () => {
  using kv = await Deno.openKv(":memory:");
  await fc.assert(
    fc.asyncProperty(commits, fc.integer({ min: 1, max: 20 }), async (commits, limit) => {
      const all = await put(kv, commits);
      const got: Row[] = [];
      let pages = 0;
      for (let after: number | null = 0; after !== null; pages++) {
        const { rows, next }: Page = (await historyPage(kv, ID, after, limit))!;
        assertLessOrEqual(rows.length, limit);
        assert(next === null || next === rows.at(-1)?.seq);
        got.push(...rows);
        after = next;
      }
      assertEquals(got, all);
      assertEquals(pages, Math.max(1, Math.ceil(all.length / limit)));
    }),
    { numRuns: 60 },
  );
});

Deno.test("historyPage() leaves no gap within a page if the oldest rows are removed during the read", async () => {
  using kv = await Deno.openKv(":memory:");
  const row = (_: unknown, n: number): Row => ({
    type: n % 7 === 0 ? "message" : "log",
    seq: n + 1,
    json: "{}",
  });
  const all = Array.from({ length: 60 }, row);
  await put(kv, all.map((row) => [row]));
  // The rows up to 30 are removed before the second read.
  let lists = 0;
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    if (++lists === 2) {
      for (const { type, seq } of all.slice(0, 30)) {
        if (type === "log") await kv.delete(keys.event(ID, seq));
      }
      await kv.set(keys.task(ID), { trimmed: 30 });
    }
    yield* kv.list(...args);
  };
  // This iterator has no cursor, which nothing here uses.
  const trimming = kvWith(kv, { list: list as unknown as Deno.Kv["list"] });
  const { rows, trimmed } = (await historyPage(trimming, ID, 0, 50))!;
  assertGreater(lists, 1);
  assertEquals(trimmed, 30);
  assertEquals(rows, all.filter(({ type, seq }) => type === "message" || seq > 30));
});

Deno.test("historyPage() leaves out outputs that were rewound during the read, and returns the rewind row", async () => {
  using kv = await Deno.openKv(":memory:");
  const types = ["output", "log"] as const;
  const rewind: Row = { type: "rewind", seq: 41, json: '{"seq":41,"after":20}' };
  const all = Array.from({ length: 40 }, (_, n): Row => {
    return { type: types[n % 2]!, seq: n + 1, json: "{}" };
  });
  await put(kv, [...all, rewind].map((row) => [row]));
  let lists = 0;
  const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
    if (++lists === 2) {
      const rewound = { after: 20, before: 41, left: true };
      await kv.set(keys.task(ID), { trimmed: 0, rewound });
    }
    yield* kv.list(...args);
  };
  const changing = kvWith(kv, { list: list as unknown as Deno.Kv["list"] });
  const { rows } = (await historyPage(changing, ID, 0, 50))!;
  assertGreater(lists, 1);
  const kept = all.filter(({ type, seq }) => type === "log" || seq <= 20);
  assertEquals(rows, [...kept, rewind]);
});
