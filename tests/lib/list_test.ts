import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Key, keys } from "../../lib/keys.ts";
import { idsOf, knownKinds, type ListQuery, listTasks } from "../../lib/list.ts";
import { type Status, STATUSES } from "../../lib/record.ts";
import { newTask } from "../../lib/state.ts";
import { pack } from "../../lib/stored.ts";

interface Made {
  id: string;
  kind: string;
  status: Status;
  message: string | null;
}

const KINDS = ["a", "b", "c.d"];

function idAt(n: number): string {
  return `01J${String(n).padStart(23, "0")}`;
}

function recordOf({ id, kind, status, message }: Made) {
  const spec = { id, kind, maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  const task = newTask(spec, 0);
  return { ...task, record: { ...task.record, status, message } };
}

async function put(kv: Deno.Kv, made: Made): Promise<void> {
  await kv.atomic()
    .set(keys.task(made.id), pack(recordOf(made), null, null))
    .set(keys.index(made.kind, made.status, made.id), null)
    .set(keys.kind(made.kind), null)
    .commit();
}

async function clear(kv: Deno.Kv): Promise<void> {
  const all: Key[] = [];
  for await (const { key } of kv.list({ prefix: [] })) all.push(key);
  for (const key of all) await kv.delete(key);
}

/** Every page, from the newest on. */
async function pages(kv: Deno.Kv, query: ListQuery): Promise<string[][]> {
  const all: string[][] = [];
  let before: string | undefined;
  while (all.length < 1000) {
    const page = await listTasks(kv, before === undefined ? query : { ...query, before });
    all.push(page.records.map((json) => JSON.parse(json).task_id));
    if (page.next === null) return all;
    assert(before === undefined || page.next < before);
    before = page.next;
  }
  throw new Error("The pages do not end");
}

const made = fc.record({
  kind: fc.constantFrom(...KINDS),
  status: fc.constantFrom(...STATUSES),
  message: fc.constantFrom(null, "Hello", "hello there", "ÉCLAIR", "x"),
});

const query = fc.record({
  statuses: fc.subarray([...STATUSES], { minLength: 1 }),
  kinds: fc.subarray([...KINDS, "unknown"], { minLength: 1 }),
  text: fc.constantFrom("HELLO", "éclair", "c.d", "nowhere"),
}, { requiredKeys: [] });

function picks({ statuses, kinds, text }: Partial<ListQuery>): (made: Made) => boolean {
  return ({ status, kind, message, id }) =>
    (!statuses || statuses.includes(status)) && (!kinds || kinds.includes(kind)) &&
    (!text || [id, kind, message].some((it) => it?.toLowerCase().includes(text.toLowerCase())));
}

Deno.test("listTasks() gives what the query picks, newest first, in pages of any size", async () => {
  using kv = await Deno.openKv(":memory:");
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 40 }),
      query,
      fc.integer({ min: 1, max: 15 }),
      async (tasks, query, limit) => {
        await clear(kv);
        const all = tasks.map((task, n): Made => ({ id: idAt(n), ...task }));
        for (const task of all) await put(kv, task);
        const wanted = all.filter(picks(query)).map(({ id }) => id).toReversed();
        const got = await pages(kv, { ...query, limit });
        assertEquals(got.flat(), wanted);
        for (const page of got) assert(page.length <= limit);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("listTasks() keeps its pages stable while tasks arrive, change and go", async () => {
  using kv = await Deno.openKv(":memory:");
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { minLength: 10, maxLength: 30 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (tasks, indexed, limit) => {
        await clear(kv);
        const all = tasks.map((task, n): Made => ({ id: idAt(n), ...task }));
        for (const task of all) await put(kv, task);
        const query = { limit, ...(indexed ? { kinds: KINDS } : {}) };
        const seen: string[] = [];
        let newest = all.length;
        let before: string | undefined;
        const removed = new Set<string>();
        for (let page = 0; page < 100; page++) {
          const { records, next } = await listTasks(kv, before ? { ...query, before } : query);
          seen.push(...records.map((json) => JSON.parse(json).task_id));
          if (next === null) break;
          before = next;
          await put(kv, { id: idAt(newest++), kind: "a", status: "pending", message: null });
          // The one the cursor stands on goes: the cursor is a place, not a task.
          if (page % 2 === 0) {
            const { kind, status } = all.find(({ id }) => id === next)!;
            await kv.atomic().delete(keys.task(next)).delete(keys.index(kind, status, next))
              .commit();
            removed.add(next);
          }
        }
        assertEquals(seen, all.map(({ id }) => id).toReversed());
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("listTasks() shows a task once that stands in two indexes while it changes", async () => {
  using kv = await Deno.openKv(":memory:");
  const task: Made = { id: idAt(1), kind: "a", status: "running", message: null };
  await put(kv, task);
  await kv.set(keys.index("a", "pending", task.id), null);
  const page = await listTasks(kv, { kinds: ["a"], limit: 10 });
  assertEquals(page.records.length, 1);
  // And by its state, not by an index that is out of date.
  assertEquals((await listTasks(kv, { statuses: ["pending"], limit: 10 })).records, []);
});

Deno.test("listTasks() passes over an index entry whose task is gone", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, { id: idAt(1), kind: "a", status: "failed", message: null });
  await kv.set(keys.index("a", "failed", idAt(2)), null);
  const page = await listTasks(kv, { statuses: ["failed"], limit: 10 });
  assertEquals(page.records.map((json) => JSON.parse(json).task_id), [idAt(1)]);
});

Deno.test("listTasks() looks for a rare text in several pages, and finds it", async () => {
  using kv = await Deno.openKv(":memory:");
  let atomic = kv.atomic();
  for (let n = 0; n < 6000; n++) {
    const task: Made = {
      id: idAt(n),
      kind: "a",
      status: "completed",
      message: n === 3 ? "rare" : null,
    };
    atomic.set(keys.task(task.id), pack(recordOf(task), null, null));
    if (n % 400 === 399) {
      await atomic.commit();
      atomic = kv.atomic();
    }
  }
  const got = await pages(kv, { text: "rare", limit: 10 });
  assertEquals(got, [[], [idAt(3)]]);
});

Deno.test("knownKinds() and idsOf() know every kind and every task of a state", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const [n, kind] of KINDS.entries()) {
    await put(kv, { id: idAt(n), kind, status: "running", message: null });
    await put(kv, { id: idAt(n + 10), kind, status: "pending", message: null });
  }
  assertEquals(await knownKinds(kv), KINDS);
  assertEquals(await Array.fromAsync(idsOf(kv, "running")), [0, 1, 2].map(idAt));
});
