import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import fc from "fast-check";
import { startOf } from "../../../lib/feed/follow_task.ts";
import { history } from "../../../lib/kv/history.ts";
import { Journal } from "../../../lib/store/journal.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { isChange, type Row } from "../../../lib/task/event.ts";
import { rowSize } from "../../../lib/kv/event_text.ts";
import { LiveTask } from "../../../lib/store/live_task.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { type Head, unpack } from "../../../lib/kv/head.ts";
import { type RowBound, RowTrimmer } from "../../../lib/store/trim.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const ID = "01J0000000000000000000TEST";

/** A running task on a store of its own, and the warnings that were logged. */
async function running(): Promise<
  { kv: Deno.Kv; live: LiveTask; logged: string[] } & AsyncDisposable
> {
  const kv = await Deno.openKv(":memory:");
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => logged.push(line) });
  const journal = new Journal({ kv, sid: "me", log, maxChecks: 100 });
  const hooks = {
    touch: (live: LiveTask) => journal.touch(live),
    pending: () => {},
    onmoved: () => {},
    onwritten: () => {},
    now: () => 0,
  } as unknown as Parameters<typeof LiveTask.created>[2];
  const spec = { id: ID, kind: "k", maxAttempts: 9, priority: 0, runAt: 0, timeoutMs: null };
  const live = LiveTask.created(newTask(spec, 0), null, hooks);
  live.change({ type: "start", owner: "me" });
  await live.committed();
  return {
    kv,
    live,
    logged,
    async [Symbol.asyncDispose]() {
      await journal.close();
      kv.close();
    },
  };
}

/** Folds all rows into the task's own keys. */
async function folded(live: LiveTask): Promise<void> {
  await live.committed();
  live.fold();
  await live.committed();
}

const tellsState = ({ type }: Row) => isChange(type);

const ANY: RowBound = { rows: Infinity, bytes: Infinity };

async function stored(kv: Deno.Kv): Promise<{ rows: Row[]; head: ReturnType<typeof unpack> }> {
  const { value } = await kv.get<Head>(keys.task(ID));
  return { rows: (await Array.fromAsync(history(kv, ID, 0))).flat(), head: unpack(value!) };
}

/** The rows that are left of `all`: must be every change of state, and the newest of the others. */
async function leftOf(kv: Deno.Kv, all: readonly Row[]) {
  const { rows, head } = await stored(kv);
  assertEquals(rows.filter(tellsState), all.filter(tellsState));
  const left = rows.filter((row) => !tellsState(row));
  const ever = all.filter((row) => !tellsState(row));
  assertEquals(left, ever.slice(ever.length - left.length));
  return { rows, left, ever, head };
}

Deno.test("RowTrimmer.trim() removes the oldest rows, and no state change", async () => {
  const batch = fc.record({ rows: fc.nat(120), interrupt: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 3, maxLength: 12 }), async (batches) => {
      const max = 100;
      await using task = await running();
      const { kv, live, logged } = task;
      const trimmer = new RowTrimmer(kv, { log: { rows: max, bytes: Infinity }, output: ANY });
      const all: Row[] = [];
      const note = async () => {
        for await (const rows of history(kv, ID, all.at(-1)?.seq ?? 0)) all.push(...rows);
      };
      for (const { rows, interrupt } of batches) {
        for (let n = 0; n < rows; n++) live.rows.add("log", `{"message":"${n}"}`);
        if (interrupt) {
          live.change({ type: "interrupt", died: false });
          live.change({ type: "start", owner: "me" });
        }
        await folded(live);
        await note();
        // Twice at once: the second one must not count what the first is about to remove.
        await Promise.all([trimmer.trim(live), trimmer.trim(live)]);
        await live.committed();
      }
      assertEquals(logged, []);
      const { rows, left, ever, head } = await leftOf(kv, all);
      assertEquals(head.rows, left.length);
      assertLessOrEqual(left.length, Math.max(0, max * 1.1 + 64));
      assertGreaterOrEqual(left.length, Math.min(max, ever.length));
      // A client is told to reset if rows that it would ask for are gone, and only then.
      const removed = ever.slice(0, ever.length - left.length);
      const { seq } = head.record;
      for (const row of removed.slice(-1)) {
        assertEquals(
          startOf(String(row.seq - 1), { seq, trimmed: head.trimmed, lostIds: [] }).from,
          "reset",
        );
      }
      if (removed.length === 0) assertEquals(head.trimmed, 0);
      assert(rows.every((row, n) => n === 0 || row.seq > rows[n - 1]!.seq));
    }),
    { numRuns: 25 },
  );
});

Deno.test("RowTrimmer.trim() keeps all state changes, even more than one KV value can hold", async () => {
  await using task = await running();
  const { kv, live, logged } = task;
  const trimmer = new RowTrimmer(kv, { log: { rows: 10, bytes: Infinity }, output: ANY });
  const message = "€".repeat(4096);
  for (let n = 0; n < 20; n++) {
    live.report({ at: n, message });
    live.change({ type: "interrupt", died: false });
    live.change({ type: "start", owner: "me" });
    for (let row = 0; row < 20; row++) live.rows.add("log", "{}");
    await folded(live);
  }
  // Some rows at a time, as while a task runs.
  for (let trim; (trim = trimmer.trim(live)) !== null;) {
    await trim;
    assertEquals((await live.committed()).ok, true);
  }
  const { rows, head } = await stored(kv);
  assertEquals(logged, []);
  assertEquals(rows.filter(tellsState).length, 42);
  assertLessOrEqual(head.rows, 75);
  assertGreater(head.trimmed, 0);
});

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + rowSize(row), 0);
}

Deno.test("RowTrimmer.trim() keeps a task's rows under a bound of bytes, however large each row is", async () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 10_000, max: 48_000 })), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 2, maxLength: 8 }), async (batches) => {
      const bound = { rows: 1000, bytes: 200_000 };
      await using task = await running();
      const { kv, live, logged } = task;
      const trimmer = new RowTrimmer(kv, { log: ANY, output: bound });
      const all: Row[] = [];
      for (const batch of batches) {
        // The bound is in bytes, so each character takes two of them.
        for (const size of batch) {
          live.rows.add("output", JSON.stringify({ text: "é".repeat(size / 2) }));
        }
        await folded(live);
        for await (const rows of history(kv, ID, all.at(-1)?.seq ?? 0)) all.push(...rows);
        for (let trim; (trim = trimmer.trim(live)) !== null;) await trim;
      }
      await live.committed();
      assertEquals(logged, []);
      const { left, ever, head } = await leftOf(kv, all);
      assertEquals([head.rows, head.rowBytes], [left.length, bytesOf(left)]);
      assertLessOrEqual(head.rowBytes, bound.bytes * 1.1);
      // No more than necessary was removed: the largest rows have up to 48,100 bytes.
      if (left.length < ever.length) assertGreater(head.rowBytes, bound.bytes - 48_100);
      const gone = ever.slice(0, ever.length - left.length).at(-1);
      assertEquals([head.trimmed, head.trimmedOutputs], [0, gone?.seq ?? 0]);
    }),
    { numRuns: 25 },
  );
});

Deno.test("RowTrimmer.trim() removes about 2 MiB at most at a time from a task far beyond its bound", async () => {
  await using task = await running();
  const { kv, live } = task;
  for (let n = 0; n < 120; n++) live.rows.add("log", JSON.stringify({ text: "x".repeat(48_000) }));
  await folded(live);
  const trimmer = new RowTrimmer(kv, { log: { rows: 1000, bytes: 100_000 }, output: ANY });
  let passes = 0;
  for (;; passes++) {
    const before = live.task.rowBytes;
    const trim = trimmer.trim(live);
    if (trim === null) break;
    await trim;
    assertLessOrEqual(before - live.task.rowBytes, 2.1 * 1024 * 1024);
  }
  assertEquals(passes, 3);
  assertLessOrEqual(live.task.rowBytes, 110_000);
});

Deno.test("RowTrimmer.trim() keeps logs and outputs under separate bounds, whichever there are more of", async () => {
  const types = fc.constantFrom("log", "output", "both" as const);
  const batch = fc.record({ type: types, rows: fc.nat(150), size: fc.constantFrom(1, 2000) });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 4, maxLength: 12 }), async (batches) => {
      const bounds = {
        log: { rows: 50, bytes: 100_000 },
        output: { rows: 100, bytes: Infinity },
      } as const;
      await using task = await running();
      const { kv, live, logged } = task;
      let trimmer = new RowTrimmer(kv, bounds);
      const all: Row[] = [];
      for (const { type, rows, size } of batches) {
        for (let n = 0; n < rows; n++) {
          const own = type === "both" ? (n % 3 === 0 ? "log" : "output") : type;
          live.rows.add(own, JSON.stringify({ text: "x".repeat(size) }));
        }
        await folded(live);
        for await (const rows of history(kv, ID, all.at(-1)?.seq ?? 0)) all.push(...rows);
        for (let trim; (trim = trimmer.trim(live)) !== null;) await trim;
        // As after a crash: another process knows only what is stored.
        if (rows % 2 === 0) trimmer = new RowTrimmer(kv, bounds);
      }
      await live.committed();
      const { rows, head } = await stored(kv);
      assertEquals(logged, []);
      assertEquals(rows.filter(tellsState), all.filter(tellsState));
      for (const type of ["log", "output"] as const) {
        const left = rows.filter((row) => row.type === type);
        const ever = all.filter((row) => row.type === type);
        assertEquals(left, ever.slice(ever.length - left.length));
        assertLessOrEqual(left.length, bounds[type].rows * 1.1 + 64);
        const few = ever.length <= bounds[type].rows && bytesOf(ever) <= bounds[type].bytes;
        if (few) assertEquals(left.length, ever.length);
        const edge = ever.slice(0, ever.length - left.length).at(-1)?.seq ?? 0;
        assertEquals(type === "log" ? head.trimmed : head.trimmedOutputs, edge);
      }
      const outputs = rows.filter(({ type }) => type === "output");
      assertEquals([head.outputs, head.outputBytes], [outputs.length, bytesOf(outputs)]);
      const both = rows.filter((row) => !tellsState(row));
      assertEquals([head.rows, head.rowBytes], [both.length, bytesOf(both)]);
      assert(rows.every((row, n) => n === 0 || row.seq > rows[n - 1]!.seq));
    }),
    { numRuns: 30 },
  );
});

Deno.test("RowTrimmer.removeRewound() removes all outputs that a rewind took back and no others, beside trims", async () => {
  const row = fc.record({
    type: fc.constantFrom("log" as const, "output" as const, "output" as const, "save" as const),
    size: fc.oneof(fc.nat(300), fc.integer({ min: 10_000, max: 48_000 })),
  });
  const runs = fc.array(
    fc.record({ rows: fc.array(row, { maxLength: 30 }), parts: fc.boolean() }),
    { minLength: 2, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(runs, async (runs) => {
      const bounds = { log: { rows: 20, bytes: 200_000 }, output: ANY } as const;
      await using task = await running();
      const { kv, live, logged } = task;
      const trimmer = new RowTrimmer(kv, bounds);
      const counted: number[] = [];
      let saved = 0;
      for (const { rows, parts } of runs) {
        for (const { type, size } of rows) {
          const text = JSON.stringify({ text: "x".repeat(size) });
          if (type === "save") live.rows.save(text);
          else live.rows.add(type, text);
          if (type === "save") saved = live.record.seq;
          if (type === "output") counted.push(live.record.seq);
          if (parts) await folded(live);
        }
        await folded(live);
        const trimming = trimmer.trim(live);
        live.change({ type: "interrupt", died: true });
        live.change({ type: "start", owner: "me" });
        const count = counted.findLastIndex((seq) => seq <= saved) + 1;
        assertEquals(live.task.rewound?.left ?? false, counted.length > count);
        counted.length = count;
        await live.committed();
        // No trim begins meanwhile, and a second call removes nothing twice.
        const removing = trimmer.removeRewound(live);
        assertEquals(live.task.rewound?.left ? trimmer.trim(live) : null, null);
        await Promise.all([trimming, removing, trimmer.removeRewound(live)]);
        assertEquals(live.task.rewound?.left ?? false, false);
        const { rows: left, head } = await stored(kv);
        const outputs = left.filter(({ type }) => type === "output");
        assertEquals(outputs.map(({ seq }) => seq), counted);
        assertEquals([head.outputs, head.outputBytes], [outputs.length, bytesOf(outputs)]);
        const both = left.filter((row) => !tellsState(row));
        assertEquals([head.rows, head.rowBytes], [both.length, bytesOf(both)]);
        assert(left.every((row, n) => n === 0 || row.seq > left[n - 1]!.seq));
      }
      assertEquals(logged, []);
    }),
    { numRuns: 40 },
  );
});

Deno.test("RowTrimmer.removeRewound() removes about 2 MiB of outputs at most in one commit", async () => {
  await using task = await running();
  const { kv, live } = task;
  for (let n = 0; n < 120; n++) {
    live.rows.add("output", JSON.stringify({ text: "x".repeat(48_000) }));
  }
  await folded(live);
  live.change({ type: "interrupt", died: true });
  live.change({ type: "start", owner: "me" });
  await live.committed();
  let commits = 0;
  let before = live.task.rowBytes;
  const note = () => {
    commits++;
    assertLessOrEqual(before - live.task.rowBytes, 2.1 * 1024 * 1024);
    before = live.task.rowBytes;
  };
  const removed = live.removed.bind(live);
  live.removed = (...args) => {
    removed(...args);
    note();
  };
  await new RowTrimmer(kv, { log: ANY, output: ANY }).removeRewound(live);
  assertEquals([commits, live.task.outputs, live.task.rowBytes], [3, 0, 0]);
});

Deno.test("RowTrimmer.trim() counts artifact rows as log rows", async () => {
  await using task = await running();
  const { kv, live } = task;
  const trimmer = new RowTrimmer(kv, { log: { rows: 10, bytes: Infinity }, output: ANY });
  for (let n = 0; n < 200; n++) {
    live.rows.artifact({ name: "a", size: n, type: "a/b" }, "{}", {});
    await live.committed();
  }
  await trimmer.trim(live);
  await folded(live);
  const left = (await Array.fromAsync(history(kv, ID, 0))).flat();
  const told = left.filter(({ type }) => type === "artifact");
  assertEquals(told.length, 10);
  const { value } = await kv.get<Head>(keys.task(ID));
  assertEquals(value!.trimmed, told[0]!.seq - (told[1]!.seq - told[0]!.seq));
  assertEquals(live.record.artifacts, [{ name: "a", size: 199, type: "a/b" }]);
});

Deno.test("RowTrimmer.trim() reads the outputs that stay only once, however often it removes logs after them", async () => {
  await using task = await running();
  const { kv, live } = task;
  const lists: number[] = [];
  const counting = kvWith(kv, {
    list: async function* (...args: Parameters<Deno.Kv["list"]>) {
      let read = 0;
      for await (const entry of kv.list(...args)) {
        read++;
        yield entry;
      }
      lists.push(read);
    } as unknown as Deno.Kv["list"],
  });
  const trimmer = new RowTrimmer(counting, { log: { rows: 100, bytes: Infinity }, output: ANY });
  for (let n = 0; n < 60; n++) {
    live.rows.add("output", JSON.stringify({ text: "x".repeat(40_000) }));
    await folded(live);
  }
  for (let n = 0; n < 10; n++) {
    for (let row = 0; row < 180; row++) live.rows.add("log", "{}");
    await folded(live);
    for (let trim; (trim = trimmer.trim(live)) !== null;) await trim;
  }
  const [first, ...others] = lists;
  assertGreater(first!, 60);
  assertGreater(others.length, 5);
  assertLessOrEqual(Math.max(...others), 5);
});
