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
import { newTask } from "../../../lib/task/state.ts";
import { type Head, unpack } from "../../../lib/kv/head.ts";
import { needsTrim, trimRows } from "../../../lib/store/trim.ts";

const ID = "01J0000000000000000000TEST";

/** A running task on a store of its own, and all that it ever stored. */
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
    written: () => {},
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

async function stored(kv: Deno.Kv): Promise<{ rows: Row[]; head: ReturnType<typeof unpack> }> {
  const { value } = await kv.get<Head>(keys.task(ID));
  return { rows: (await Array.fromAsync(history(kv, ID, 0))).flat(), head: unpack(value!) };
}

Deno.test("trimRows() removes the oldest rows and no state change", async () => {
  const batch = fc.record({ rows: fc.nat(120), interrupt: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 3, maxLength: 12 }), async (batches) => {
      const max = 100;
      const bound = { rows: max, bytes: Infinity };
      await using task = await running();
      const { kv, live, logged } = task;
      const all: Row[] = [];
      const note = async () => {
        for await (const rows of history(kv, ID, all.at(-1)?.seq ?? 0)) all.push(...rows);
      };
      for (const { rows, interrupt } of batches) {
        for (let n = 0; n < rows; n++) live.row("log", `{"message":"${n}"}`);
        if (interrupt) {
          live.change({ type: "interrupt", died: false });
          live.change({ type: "start", owner: "me" });
        }
        await live.committed();
        await note();
        // Twice at once: the second one must not count what the first is about to remove.
        if (needsTrim(live, bound)) {
          await Promise.all([trimRows(kv, live, bound), trimRows(kv, live, bound)]);
        }
        await live.committed();
      }
      const { rows, head } = await stored(kv);
      assertEquals(logged, []);
      assertEquals(rows.filter(isChange), all.filter(isChange));
      const left = rows.filter((row) => !isChange(row));
      const ever = all.filter((row) => !isChange(row));
      assertEquals(left, ever.slice(ever.length - left.length));
      assertEquals(head.rows, left.length);
      assertLessOrEqual(left.length, Math.max(0, max * 1.1 + 64));
      assertGreaterOrEqual(left.length, Math.min(max, ever.length));
      // A client is told when what it would ask for is gone, and only then.
      const removed = ever.slice(0, ever.length - left.length);
      const { seq } = head.record;
      for (const row of removed.slice(-1)) {
        assertEquals(startOf(String(row.seq - 1), { seq, trimmed: head.trimmed }).from, "reset");
      }
      if (removed.length === 0) assertEquals(head.trimmed, 0);
      assert(rows.every((row, n) => n === 0 || row.seq > rows[n - 1]!.seq));
    }),
    { numRuns: 25 },
  );
});

Deno.test("trimRows() keeps more state changes than one value of the store can hold", async () => {
  await using task = await running();
  const { kv, live, logged } = task;
  const message = "€".repeat(4096);
  for (let n = 0; n < 20; n++) {
    live.report({ at: n, message });
    live.change({ type: "interrupt", died: false });
    live.change({ type: "start", owner: "me" });
    for (let row = 0; row < 20; row++) live.row("log", "{}");
    await live.committed();
  }
  // A little at a time, as a task goes on.
  for (let pass = 0; pass < 8; pass++) {
    await trimRows(kv, live, { rows: 10, bytes: Infinity });
    assertEquals((await live.committed()).ok, true);
  }
  const { rows, head } = await stored(kv);
  assertEquals(logged, []);
  assertEquals(rows.filter(isChange).length, 42);
  assertLessOrEqual(head.rows, 30);
  assertGreater(head.trimmed, 0);
});

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + rowSize(row), 0);
}

Deno.test("trimRows() keeps a task's rows under a bound of bytes, however large they are", async () => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 10_000, max: 48_000 })), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 2, maxLength: 8 }), async (batches) => {
      const bound = { rows: 1000, bytes: 200_000 };
      await using task = await running();
      const { kv, live, logged } = task;
      const all: Row[] = [];
      for (const batch of batches) {
        // Two bytes a character, and one that KV counts twice.
        for (const size of batch) {
          live.row("output", JSON.stringify({ text: "é".repeat(size / 2) }));
        }
        await live.committed();
        for await (const rows of history(kv, ID, all.at(-1)?.seq ?? 0)) all.push(...rows);
        while (needsTrim(live, bound)) await trimRows(kv, live, bound);
      }
      await live.committed();
      const { rows, head } = await stored(kv);
      assertEquals(logged, []);
      assertEquals(rows.filter(isChange), all.filter(isChange));
      const left = rows.filter((row) => !isChange(row));
      const ever = all.filter((row) => !isChange(row));
      assertEquals(left, ever.slice(ever.length - left.length));
      assertEquals([head.rows, head.rowBytes], [left.length, bytesOf(left)]);
      assertLessOrEqual(head.rowBytes, bound.bytes * 1.1);
      // No more than has to.
      if (left.length < ever.length) assertGreater(head.rowBytes, bound.bytes - 48_100);
      const gone = ever.slice(0, ever.length - left.length).at(-1);
      assertEquals(head.trimmed, gone?.seq ?? 0);
    }),
    { numRuns: 25 },
  );
});

Deno.test("trimRows() removes a little at a time from a task that is far beyond its bound", async () => {
  await using task = await running();
  const { kv, live } = task;
  for (let n = 0; n < 120; n++) live.row("log", JSON.stringify({ text: "x".repeat(48_000) }));
  await live.committed();
  const bound = { rows: 1000, bytes: 100_000 };
  let passes = 0;
  for (; needsTrim(live, bound); passes++) {
    const before = live.task.rowBytes;
    await trimRows(kv, live, bound);
    assertLessOrEqual(before - live.task.rowBytes, 2.1 * 1024 * 1024);
  }
  assertEquals(passes, 3);
  assertLessOrEqual(live.task.rowBytes, 110_000);
});
