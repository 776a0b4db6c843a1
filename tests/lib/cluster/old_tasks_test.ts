import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { ulid } from "@std/ulid";
import { keys, OWN_EXPIRY } from "../../../lib/kv/keys.ts";
import { OldTasks } from "../../../lib/cluster/old_tasks.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { finished, post, storedEvents, submit } from "../../helpers/api.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { testApp } from "../../helpers/server.ts";

const never = new AbortController().signal;

/** In milliseconds: far more than a whole test takes. */
const HOUR = 3_600_000;

/** Keeps no task that has no retention of its own. */
const AT_ONCE = { completed: 0, failed: 0, canceled: 0 };

/** Every key that contains one of these ids. */
async function keysOf(kv: Deno.Kv, ids: readonly string[]): Promise<Deno.KvKey[]> {
  const known = new Set(ids);
  const all = await Array.fromAsync(kv.list({ prefix: [] }), ({ key }) => key);
  return all.filter((key) => key.some((part) => known.has(String(part))));
}

/** A handle that calls `before` at each commit that deletes heads or rows, with their keys. */
function removing(kv: Deno.Kv, before: (deleted: Deno.KvKey[]) => void): Deno.Kv {
  const atomic = () => {
    const real = kv.atomic();
    const remove = real.delete.bind(real);
    const commit = real.commit.bind(real);
    const deleted: Deno.KvKey[] = [];
    real.delete = (key) => {
      if (key[0] === "task" || key[0] === "event") deleted.push(key);
      return remove(key);
    };
    real.commit = async () => {
      if (deleted.length > 0) before(deleted);
      return await commit();
    };
    return real;
  };
  return kvWith(kv, { atomic });
}

async function ended(base: string, count: number): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, async () => (await submit(base, "echo")).task_id),
  );
  for (const id of ids) await finished(base, id);
  return ids;
}

Deno.test("OldTasks.remove() removes many tasks per commit, wholly and with one event each; younger ones stay", async () => {
  let commits = 0;
  using real = await Deno.openKv(":memory:");
  const kv = removing(real, (deleted) => {
    if (deleted.some(([type]) => type === "task")) commits++;
  });
  let behind = 2 * HOUR;
  await using app = await testApp({}, { kv, now: () => Date.now() - behind });
  const { store } = app.engine;
  const old = await ended(app.url, 150);
  const before = store.now() + HOUR;
  behind = 0;
  const young = await ended(app.url, 5);
  await store.journal.idle();
  const told: string[] = [];
  const unlisten = app.engine.hub.listen("all", ({ event }) => {
    if (event.type === "deleted") told.push(event.id);
  });
  await new OldTasks(store, AT_ONCE).remove(before, never);
  // A commit over KV Connect holds nine removals.
  assertLess(commits, 60);
  await app.engine.hub.caughtUp();
  unlisten();
  assertEquals(await keysOf(real, old), []);
  assertEquals(told.sort(), old.sort());
  for (const id of young) assertEquals((await finished(app.url, id)).status, "completed");
});

Deno.test("OldTasks.remove() removes rows in small commits, and finishRemovals() ends one that was cut short", async () => {
  let mayCommit = Infinity;
  let largest = 0;
  using real = await Deno.openKv(":memory:");
  const kv = removing(real, (deleted) => {
    if (--mayCommit < 0) throw new Error("BadResource: closed");
    largest = Math.max(largest, deleted.filter(([type]) => type === "event").length);
  });
  await using app = await testApp({}, { kv });
  const { store } = app.engine;
  const { task_id } = await submit(app.url, "log-many", { rows: 600, bytes: 20_000 });
  await finished(app.url, task_id);
  const values = await Array.fromAsync(real.list({ prefix: keys.events(task_id) }));
  assert(values.length > 100, `${values.length}`);
  const { rowBytes } = (await real.get<Head>(keys.task(task_id))).value!;
  assert(rowBytes > 600 * 20_000 && rowBytes < 600 * 20_200, `${rowBytes}`);
  await store.journal.idle();
  // One commit for the task itself, and two for its rows.
  mayCommit = 3;
  await assertRejects(() => new OldTasks(store, AT_ONCE).remove(Date.now(), never));
  const left = await Array.fromAsync(real.list({ prefix: keys.events(task_id) }));
  mayCommit = Infinity;
  assert(left.length > 0 && left.length < values.length, `${left.length}`);
  await store.finishRemovals();
  assertEquals(await keysOf(real, [task_id]), []);
  assertLess(largest, 201);
});

Deno.test("OldTasks.remove() never removes half of a task that was retried meanwhile", async () => {
  using real = await Deno.openKv(":memory:");
  let moment: "head" | "rows" | null = null;
  let id = "";
  const retry = async () => {
    moment = null;
    assert((await app.engine.store.retry(id)).ok);
    await finished(app.url, id);
  };
  const kv = kvWith(real, {
    // deno-lint-ignore no-explicit-any -- a handle's methods, whatever they are called with
    getMany: (async (...args: any[]) => {
      const read = await real.getMany(...args as Parameters<typeof real.getMany>);
      if (moment === "head") await retry();
      return read;
    }) as typeof real.getMany,
    // deno-lint-ignore no-explicit-any -- likewise
    list: ((...args: any[]) => {
      const found = real.list(...args as Parameters<typeof real.list>);
      if (moment !== "rows" || String(args[0].prefix) !== `event,${id}`) return found;
      return async function* () {
        yield* found;
        await retry();
      }();
    }) as typeof real.list,
  });
  await using app = await testApp({}, { kv });
  for (const read of ["head", "rows"] as const) {
    id = (await submit(app.url, "throws", {})).task_id;
    await finished(app.url, id);
    const { length: runs } = await storedEvents(app.url, id);
    moment = read;
    await new OldTasks(app.engine.store, AT_ONCE).remove(Date.now(), never);
    assertEquals(moment, null);
    // Either the task was removed after its second run, or it is there with the rows of both runs.
    const rows = await keysOf(real, [id]);
    if (rows.length > 0) assert((await storedEvents(app.url, id)).length > runs);
  }
});

/** When a task ended, in milliseconds since the epoch. */
async function endOf(base: string, id: string): Promise<number> {
  return Date.parse((await finished(base, id)).finished_at!);
}

Deno.test("OldTasks.remove() removes each task when its submit, its kind or the settings say so, not before", async () => {
  using kv = await Deno.openKv(":memory:");
  await using app = await testApp({ HEADWAY_MAX_KEEP_MS: "0" }, { kv });
  const made = async (kind: string, input: unknown, more = {}) =>
    (await submit(app.url, kind, input, more)).task_id;
  const ids = {
    kept5: await made("echo", 1, { keep: 5 * HOUR }),
    kept0: await made("retained", { fails: true }, { keep: 0 }),
    forever: await made("retained", {}, { keep: "forever" }),
    kind10: await made("retained", {}),
    kindForever: await made("retained", { fails: true }),
    failed30: await made("throws", {}),
    completed60: await made("echo", 1),
    canceled90: await made("echo", 1, { delay_ms: 3_600_000 }),
  };
  const canceled = await post(`${app.url}/tasks/${ids.canceled90}/cancel`);
  assertEquals(canceled.status, 200, await canceled.text());
  const ends = await Promise.all(Object.values(ids).map((id) => endOf(app.url, id)));
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  await app.engine.store.journal.idle();
  const old = new OldTasks(app.engine.store, {
    completed: 60 * HOUR,
    failed: 30 * HOUR,
    canceled: 90 * HOUR,
  });
  const left = async () => {
    const there = await Array.fromAsync(kv.list({ prefix: keys.tasks }), ({ key }) => key[1]);
    return Object.entries(ids).flatMap(([name, id]) => there.includes(id) ? [name] : []);
  };
  const names = Object.keys(ids).filter((name) => name !== "kept0");
  await old.remove(last, never);
  assertEquals(await left(), names);
  for (const name of ["kept5", "kind10", "failed30", "completed60", "canceled90"]) {
    const ms = HOUR * Number(/\d+$/.exec(name)![0]);
    await old.remove(first + ms - 1, never);
    assertEquals(await left(), names);
    await old.remove(last + ms, never);
    names.splice(names.indexOf(name), 1);
    assertEquals(await left(), names);
  }
  assertEquals(names, ["forever", "kindForever"]);
  assertEquals(await Array.fromAsync(kv.list({ prefix: keys.expirings })), []);
});

Deno.test("OldTasks.remove() lists tasks with their own expiry once an hour, and reads no head if none is over", async () => {
  using real = await Deno.openKv(":memory:");
  let listed = 0;
  let reads = 0;
  const kv = kvWith(real, {
    // deno-lint-ignore no-explicit-any -- a handle's methods, whatever they are called with
    list: ((...args: any[]) => {
      const [selector] = args as Parameters<typeof real.list>;
      const inner = real.list(...args as Parameters<typeof real.list>);
      if (!JSON.stringify(selector).includes("index")) return inner;
      return async function* () {
        for await (const entry of inner) {
          listed++;
          yield entry;
        }
      }();
    }) as typeof real.list,
    // deno-lint-ignore no-explicit-any -- likewise
    getMany: ((...args: any[]) => {
      reads++;
      return real.getMany(...args as Parameters<typeof real.getMany>);
    }) as typeof real.getMany,
  });
  await using app = await testApp({}, { kv });
  const { store } = app.engine;
  const id = (n: number) => ulid(Date.now() - 1e9 + n);
  const index = (n: number, value: unknown) => real.set(keys.index("echo", "failed", id(n)), value);
  for (let n = 0; n < 200; n++) await index(n, { ended: OWN_EXPIRY });
  // This task was submitted long before it ended, and is listed between others.
  await index(200, { ended: Date.now() });
  await index(201, { ended: OWN_EXPIRY, child: true });
  await real.set(keys.kind("echo"), null);
  let elapsed = 0;
  const retention = { completed: 1e8, failed: 1e8, canceled: 1e8 };
  const old = new OldTasks(store, retention, () => elapsed);
  const sweep = async () => {
    [listed, reads] = [0, 0];
    await old.remove(Date.now(), never);
    return [listed, reads];
  };
  // The index of each kind is also read to know whether it has tasks.
  const [all = 0, none] = await sweep();
  assert(all >= 202 && none === 0, `${all} ${none}`);
  const [some = 0] = await sweep();
  assertLess(some, 10);
  elapsed = 3_599_999;
  assertLess((await sweep())[0]!, 10);
  elapsed = 3_600_000;
  assertEquals((await sweep())[0], all);
});

Deno.test("OldTasks.remove() reads what older versions wrote, and removes keys that they left behind", async () => {
  using kv = await Deno.openKv(":memory:");
  await using app = await testApp({}, { kv });
  const { task_id: kept } = await submit(app.url, "echo", 1, { keep: 5000 });
  const { task_id: again } = await submit(app.url, "throws", {}, { keep: 6000 });
  const until = await endOf(app.url, kept) + 5000;
  const other = await endOf(app.url, again) + 6000;
  await app.engine.store.journal.idle();
  const expiring = async () =>
    await Array.fromAsync(kv.list({ prefix: keys.expirings }), ({ key }) => key);
  assertEquals(await expiring(), [keys.expires(until, kept), keys.expires(other, again)]);
  // The store after an older version ended one task, ran another again and removed a third.
  await kv.atomic().set(keys.index("echo", "completed", kept), null)
    .delete(keys.expires(until, kept)).set(keys.expires(0, again), null)
    .set(keys.expires(0, ulid()), null).commit();
  const old = new OldTasks(app.engine.store, { completed: 0, failed: 0, canceled: 0 });
  await old.remove(until - 1, never);
  assertEquals(await expiring(), [keys.expires(other, again)]);
  assertEquals((await finished(app.url, kept)).keep, 5000);
  await old.remove(until, never);
  assertEquals(await keysOf(kv, [kept]), []);
  // A new retention or a retry replaces the expiry of a task.
  await app.engine.store.keep(again, "forever");
  assertEquals(await expiring(), []);
  await app.engine.store.keep(again, 7000);
  assertEquals(await expiring(), [keys.expires(other + 1000, again)]);
  await app.engine.store.retry(again);
  await finished(app.url, again);
  await app.engine.store.journal.idle();
  assertEquals((await expiring()).length, 1);
  await app.engine.store.remove(again);
  assertEquals(await keysOf(kv, [again]), []);
});
