import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Key, keys } from "../../../lib/kv/keys.ts";
import { idsOf, knownKinds } from "../../../lib/kv/known_kinds.ts";
import { type ListQuery, listTasks } from "../../../lib/kv/list.ts";
import { type Status, STATUSES } from "../../../lib/task/record.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { pack } from "../../../lib/kv/head.ts";
import { setKeysOf } from "../../../lib/store/index_keys.ts";
import { NOTHING_PENDING, type PendingStates } from "../../../lib/kv/pending_state.ts";
import { Reads } from "../../../lib/kv/reads.ts";
import { PendingTasks } from "../../../lib/feed/pending_tasks.ts";
import { testEvent } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

interface Made {
  id: string;
  kind: string;
  status: Status;
  message: string | null;
  owner?: string | undefined;
  tags?: string[];
  submitter?: string | undefined;
}

const KINDS = ["a", "b", "c.d"];

function idAt(n: number): string {
  return `01J${String(n).padStart(23, "0")}`;
}

function recordOf({ id, kind, status, message, owner, tags = [], submitter }: Made) {
  const spec = { id, kind, maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  const labels = { ...(owner ? { owner } : {}), ...(submitter ? { submitter } : {}), tags };
  const task = newTask({ ...spec, ...labels }, 0);
  return { ...task, record: { ...task.record, status, message } };
}

async function put(kv: Deno.Kv, made: Made): Promise<void> {
  await setTask(kv.atomic(), made).commit();
}

function setTask(atomic: Deno.AtomicOperation, made: Made): Deno.AtomicOperation {
  const task = recordOf(made);
  for (const key of setKeysOf(task.record, task)) atomic.set(key, null);
  return atomic.set(keys.task(made.id), pack(task, null, null))
    .set(keys.index(made.kind, made.status, made.id), null)
    .set(keys.kind(made.kind), null);
}

async function clear(kv: Deno.Kv): Promise<void> {
  const all: Key[] = [];
  for await (const { key } of kv.list({ prefix: [] })) all.push(key);
  for (const key of all) await kv.delete(key);
}

/** Puts tasks, a hundred in each commit. */
async function putAll(kv: Deno.Kv, tasks: readonly Made[]): Promise<void> {
  for (let at = 0; at < tasks.length; at += 100) {
    const atomic = kv.atomic();
    for (const made of tasks.slice(at, at + 100)) setTask(atomic, made);
    await atomic.commit();
  }
}

/** A handle that notes the entries of each read, and the characters of their records. */
function countingReads(kv: Deno.Kv): { kv: Deno.Kv; reads: { entries: number; bytes: number }[] } {
  const reads: { entries: number; bytes: number }[] = [];
  const sizeOf = (value: unknown) => (value as { record?: string } | null)?.record?.length ?? 0;
  const list = (selector: Deno.KvListSelector, options: Deno.KvListOptions = {}) => {
    // The store reads `batchSize` entries at a time: each batch counts as a read.
    const read = { entries: 0, bytes: 0 };
    reads.push(read);
    const { batchSize = 100 } = options;
    const found = kv.list(selector, options);
    const next = found.next.bind(found);
    let current = read;
    found.next = async () => {
      if (current.entries === batchSize) reads.push(current = { entries: 0, bytes: 0 });
      const result = await next();
      if (!result.done) {
        current.entries++;
        current.bytes += sizeOf(result.value.value);
      }
      return result;
    };
    return found;
  };
  const getMany = async (keys: readonly Key[]) => {
    const entries = await kv.getMany(keys);
    const bytes = entries.reduce((sum, { value }) => sum + sizeOf(value), 0);
    reads.push({ entries: entries.length, bytes });
    return entries;
  };
  const methods = { list, getMany } as unknown as Partial<Deno.Kv>;
  return { kv: kvWith(kv, methods), reads };
}

/** The ids on every page, newest first. */
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
  owner: fc.constantFrom(undefined, "me", "mee"),
  tags: fc.subarray(["a", "b", "ab"]),
  submitter: fc.constantFrom(undefined, "t", "tt"),
});

const query = fc.record({
  statuses: fc.subarray([...STATUSES], { minLength: 1 }),
  kinds: fc.subarray([...KINDS, "unknown"], { minLength: 1 }),
  text: fc.constantFrom("HELLO", "éclair", "c.d", "nowhere"),
  owner: fc.constantFrom("me", "mee", "m", "nobody"),
  tags: fc.subarray(["a", "b", "ab", "none"], { minLength: 1 }),
  submitter: fc.constantFrom("t", "tt"),
}, { requiredKeys: [] });

function picks(
  { statuses, kinds, text, owner, tags, submitter }: Partial<ListQuery>,
): (made: Made) => boolean {
  return ({ status, kind, message, id, ...made }) =>
    (!owner || made.owner === owner) && (!submitter || made.submitter === submitter) &&
    (tags ?? []).every((tag) => made.tags?.includes(tag)) &&
    (!statuses || statuses.includes(status)) && (!kinds || kinds.includes(kind)) &&
    (!text || [id, kind, message].some((it) => it?.toLowerCase().includes(text.toLowerCase())));
}

Deno.test("listTasks() returns the tasks that match a query, newest first, in pages of any size", async () => {
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

Deno.test("listTasks() keeps its pages stable while tasks are added and removed", async () => {
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
          // The cursor's task is removed: a cursor is a place, whether or not its task exists.
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

Deno.test("listTasks() returns a task once if it is in two indexes, and by its record's state", async () => {
  using kv = await Deno.openKv(":memory:");
  const task: Made = { id: idAt(1), kind: "a", status: "running", message: null };
  await put(kv, task);
  await kv.set(keys.index("a", "pending", task.id), null);
  const page = await listTasks(kv, { kinds: ["a"], limit: 10 });
  assertEquals(page.records.length, 1);
  // The record's state counts, not an index entry that is out of date.
  assertEquals((await listTasks(kv, { statuses: ["pending"], limit: 10 })).records, []);
});

Deno.test("listTasks() skips an index entry whose task is gone", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, { id: idAt(1), kind: "a", status: "failed", message: null });
  await kv.set(keys.index("a", "failed", idAt(2)), null);
  const page = await listTasks(kv, { statuses: ["failed"], limit: 10 });
  assertEquals(page.records.map((json) => JSON.parse(json).task_id), [idAt(1)]);
});

Deno.test("listTasks() searches for a rare text over several pages, and finds it", async () => {
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

Deno.test("listTasks() shows each task once, however often a query names its kind and state", async () => {
  using kv = await Deno.openKv(":memory:");
  const made = Array.from(
    { length: 45 },
    (_, n): Made => ({ id: idAt(n), kind: "a", status: "completed", message: null }),
  );
  await putAll(kv, made);
  const once = countingReads(kv);
  const wanted = await listTasks(once.kv, { kinds: ["a"], statuses: ["completed"], limit: 45 });
  assertEquals(wanted.records.length, 45);
  const often = countingReads(kv);
  const got = await listTasks(often.kv, {
    kinds: Array(30).fill("a"),
    statuses: Array(100).fill("completed"),
    limit: 45,
  });
  assertEquals(got, wanted);
  assertEquals(often.reads.length, once.reads.length);
});

Deno.test("listTasks() reads little for kinds that do not exist", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, { id: idAt(1), kind: "a", status: "failed", message: null });
  const { kv: counted, reads } = countingReads(kv);
  const kinds = ["a", ...Array.from({ length: 99 }, (_, n) => `none-${n}`)];
  const { records } = await listTasks(counted, { kinds, limit: 50 });
  assertEquals(records.length, 1);
  // It looks up ten kinds at a time, then reads the states of the one that exists, and its head.
  assert(reads.length <= 10 + STATUSES.length + 1, `${reads.length} reads`);
});

Deno.test("listTasks() makes a bounded number of reads for a page, even if thousands of kinds have tasks", async () => {
  using kv = await Deno.openKv(":memory:");
  const made = Array.from({ length: 3000 }, (_, n): Made => {
    const status = n % 10 === 0 ? "failed" : "completed";
    return { id: idAt(n), kind: `k${n}`, status, message: null };
  });
  await putAll(kv, made);
  const wanted = made.filter(({ status }) => status === "failed").map(({ id }) => id).toReversed();
  for (const statuses of [["failed"], ["failed", "running"], ["failed", "failed"]] as Status[][]) {
    assertEquals((await pages(kv, { statuses, limit: 40 })).flat(), wanted);
    const { kv: counted, reads } = countingReads(kv);
    await listTasks(counted, { statuses, limit: 40 });
    assert(reads.length < 60, `${reads.length} reads`);
  }
  // Of 80 kinds it merges all indexes, six of each; 100 have too many: it reads all heads instead.
  for (const [count, most] of [[80, { reads: 700, entries: 400 }], [100, { reads: 60 }]] as const) {
    const some = made.slice(0, count);
    const { kv: counted, reads } = countingReads(kv);
    const { records } = await listTasks(counted, {
      kinds: some.map(({ kind }) => kind),
      limit: 40,
    });
    const ids = records.map((record) => JSON.parse(record).task_id);
    assertEquals(ids, some.slice(-40).map(({ id }) => id).toReversed());
    assert(reads.length < most.reads, `${reads.length} reads`);
    const all = reads.reduce((sum, { entries }) => sum + entries, 0);
    if ("entries" in most) assert(all < most.entries, `${all} entries`);
  }
});

Deno.test("listTasks() takes one read for a page of up to a hundred tasks, and one head beyond them", async () => {
  using kv = await Deno.openKv(":memory:");
  const made = Array.from({ length: 300 }, (_, n): Made => {
    return { id: idAt(n), kind: "a", status: "failed", message: null };
  });
  await putAll(kv, made);
  for (const limit of [1, 50, 100]) {
    const { kv: counted, reads } = countingReads(kv);
    const { records, next } = await listTasks(counted, { limit });
    const found = reads.map(({ entries }) => entries).filter((entries) => entries > 0);
    assertEquals([records.length, next !== null, found], [limit, true, [limit + 1]]);
  }
});

Deno.test("listTasks() reads fewer heads at once and for a page where heads are large", async () => {
  using kv = await Deno.openKv(":memory:");
  const large = (n: number): Made => {
    return { id: idAt(n), kind: "a", status: "failed", message: `${n}`.padEnd(40_000, "x") };
  };
  const made = Array.from({ length: 300 }, (_, n) => large(n));
  for (const one of made) await put(kv, one);
  for (const text of ["nowhere", undefined]) {
    const { kv: counted, reads } = countingReads(kv);
    const query = { limit: 500, ...(text === undefined ? {} : { text }) };
    const page = await listTasks(counted, query);
    for (const { bytes } of reads.slice(1)) assert(bytes < 1024 * 1024, `${bytes} bytes`);
    assert(reads[0]!.bytes < 5 * 1024 * 1024);
    // The search for a text that is nowhere takes several pages.
    const all = reads.reduce((sum, { bytes }) => sum + bytes, 0);
    assert(all < 16 * 1024 * 1024, `${all} bytes`);
    assert(page.next !== null);
  }
  const found = await pages(kv, { text: "7xx", limit: 500 });
  assertEquals(found.flat().length, 30);
});

Deno.test("listTasks() returns nothing if `since` is newer than `before`", async () => {
  using kv = await Deno.openKv(":memory:");
  await put(kv, { id: idAt(5), kind: "a", status: "failed", message: null });
  for (const query of [{}, { kinds: ["a"] }]) {
    const page = await listTasks(kv, { ...query, since: idAt(9), before: idAt(3), limit: 10 });
    assertEquals(page, { records: [], next: null });
  }
});

Deno.test("listTasks() stops reading once its client has gone", async () => {
  using kv = await Deno.openKv(":memory:");
  const made = Array.from(
    { length: 3000 },
    (_, n): Made => ({ id: idAt(n), kind: "a", status: "completed", message: null }),
  );
  await putAll(kv, made);
  const { kv: counted, reads } = countingReads(kv);
  for (const query of [{ text: "nowhere" }, { text: "nowhere", kinds: ["a"] }]) {
    reads.length = 0;
    const gone = new AbortController();
    const pending = {
      get: () => {
        gone.abort();
        return undefined;
      },
      [Symbol.dispose]() {},
    };
    const states = { ...NOTHING_PENDING, open: () => pending };
    const listing = listTasks(counted, { ...query, limit: 5 }, states, gone.signal);
    assertEquals(await listing.catch((error) => error), gone.signal.reason);
    assert(reads.length < 12, `${reads.length} reads`);
  }
});

Deno.test("knownKinds() returns every kind, and idsOf() the id of every task in a state", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const [n, kind] of KINDS.entries()) {
    await put(kv, { id: idAt(n), kind, status: "running", message: null });
    await put(kv, { id: idAt(n + 10), kind, status: "pending", message: null });
  }
  assertEquals(await knownKinds(kv), KINDS);
  assertEquals(await Array.fromAsync(idsOf(kv, "running")), [0, 1, 2].map(idAt));
});

Deno.test("listTasks() reads few tasks for an owner and tags: those in the rarest set", async () => {
  using real = await Deno.openKv(":memory:");
  // Every task has the owner, and every tenth has the tag, but so do all of the newest.
  const tasks = Array.from({ length: 4000 }, (_, n): Made => ({
    id: idAt(n),
    kind: "a",
    status: "completed",
    message: null,
    owner: "me",
    tags: [n % 10 === 0 || n > 3990 ? "tenth" : "other", "each"],
  }));
  await putAll(real, tasks);
  const { kv, reads } = countingReads(real);
  const query = { owner: "me", tags: ["each", "tenth"], limit: 50 };
  const found = await listTasks(kv, { ...query, before: idAt(3900) });
  assertEquals(found.records.length, 50);
  const entries = reads.reduce((sum, read) => sum + read.entries, 0);
  assert(entries < 500, `${entries} entries read`);
  assertEquals(await listTasks(real, { ...query, tags: ["each", "none"] }), {
    records: [],
    next: null,
  });
});

Deno.test("listTasks() returns every task once, although tasks change their state between its reads", async () => {
  const count = 8;
  const state = fc.constantFrom<Status>("pending", "running", "waiting");
  const move = fc.record({ n: fc.nat({ max: count - 1 }), status: state });
  await fc.assert(
    fc.asyncProperty(
      fc.array(state, { minLength: count, maxLength: count }),
      fc.array(fc.array(move, { maxLength: 3 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: count }),
      async (states, moves, limit) => {
        using real = await Deno.openKv(":memory:");
        const pending = new PendingTasks();
        const tasks = states.map((status, n): Made => {
          return { id: idAt(n), kind: KINDS[n % 2]!, status, message: null };
        });
        await putAll(real, tasks);
        let seq = 0;
        const left = [...moves];
        const kv = kvWith(real, {
          list: <T>(...args: Parameters<Deno.Kv["list"]>) => {
            return (async function* () {
              for (const { n, status } of left.shift() ?? []) {
                const task = tasks[n]!;
                const { id, kind } = task;
                const atomic = real.atomic().delete(keys.index(kind, task.status, id));
                task.status = status;
                await setTask(atomic, task).commit();
                pending.note("", testEvent(++seq, { type: "message", id, kind }));
              }
              yield* real.list<T>(...args);
            })() as unknown as Deno.KvListIterator<T>;
          },
        });
        const ids: string[] = [];
        for (let query: ListQuery | null = { kinds: KINDS, limit }; query !== null;) {
          const { records, next } = await listTasks(kv, query, pending);
          ids.push(...records.map((record) => JSON.parse(record).task_id));
          query = next === null ? null : { ...query, before: next };
        }
        assertEquals(ids, tasks.map(({ id }) => id).toReversed());
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("listTasks() holds no pending states, which would grow, while it waits for its turn to read", async () => {
  using kv = await Deno.openKv(":memory:");
  await putAll(
    kv,
    Array.from({ length: 400 }, (_, n): Made => {
      return { id: idAt(n), kind: "a", status: "completed", message: null, owner: "me" };
    }),
  );
  let [held, opened] = [0, 0];
  const states: PendingStates = {
    ...NOTHING_PENDING,
    open: () => {
      held++;
      opened++;
      return { get: () => undefined, [Symbol.dispose]: () => void held-- };
    },
  };
  const waiting: number[] = [];
  class WatchedReads extends Reads {
    override run<T>(entries: number, read: () => Promise<T>): Promise<T> {
      waiting.push(held);
      return super.run(entries, read);
    }
  }
  for (const filter of [{ text: "nowhere" }, { kinds: ["a"], text: "nowhere" }, { owner: "me" }]) {
    [waiting.length, opened] = [0, 0];
    await listTasks(kv, { ...filter, limit: 300 }, states, undefined, new WatchedReads());
    assert(waiting.length > 1 && opened > 1, `${waiting.length} turns, opened ${opened} times`);
    assertEquals(waiting, waiting.map(() => 0));
  }
});
