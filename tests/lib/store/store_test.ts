import { assert, assertEquals, assertRejects } from "@std/assert";
import { textValue } from "../../../lib/kv/head.ts";
import { answerText } from "../../../lib/task/answer.ts";
import { readSignal } from "../../../lib/kv/answers.ts";
import { readEntry } from "../../../lib/kv/journal_entry.ts";
import { readCancel } from "../../../lib/kv/cancel.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { parseJournal } from "../../../lib/kv/event_text.ts";
import { labelsOf } from "../../../lib/task/labels.ts";
import type { LiveTask } from "../../../lib/store/live_task.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { isFinished, type TaskRecord } from "../../../lib/task/record.ts";
import { type Decided, Store, type Submission } from "../../../lib/store/store.ts";
import { StoreError } from "../../../lib/store/store_error.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { seededRandom } from "../../helpers/random.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const log = createLogger({ level: "off" });

interface Cluster extends AsyncDisposable {
  kv: Deno.Kv;
  stores: Store[];
}

/** Stores that share one file, as those of several processes share one KV. */
async function open(count: number, now: () => number = Date.now): Promise<Cluster> {
  await using resources = new AsyncDisposableStack();
  const { path } = resources.use(await tempDir());
  const kv = resources.adopt(await Deno.openKv(`${path}/test.db`), (kv) => kv.close());
  const stores = Array.from({ length: count }, (_, n) => {
    const store = new Store({ kv, sid: `s${n}`, log, now });
    resources.defer(async () => {
      store[Symbol.dispose]();
      await store.journal.close();
    });
    return store;
  });
  const owned = resources.move();
  return { kv, stores, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function task(more: Partial<Submission> = {}): Submission {
  return {
    kind: "k",
    maxAttempts: 1,
    priority: 0,
    runAt: 0,
    timeoutMs: null,
    input: null,
    ...more,
  };
}

async function submit(store: Store, more: Partial<Submission> = {}): Promise<string> {
  const submitted = await store.submit(task(more));
  assert(submitted.ok);
  return submitted.id;
}

async function recordOf(store: Store, id: string): Promise<TaskRecord> {
  const stored = await store.heads.get(id);
  assert(stored);
  return JSON.parse(stored.record);
}

/** Claims a task for a store, as a runner does. */
async function claim(store: Store, id: string): Promise<{ live: LiveTask; ok: boolean }> {
  const live = await store.withTask(id, (live) => {
    live.change({ type: "start", owner: store.sid });
    return live;
  });
  assert(live);
  return { live, ok: (await live.committed()).ok && live.task.owner === store.sid };
}

async function keysOf(kv: Deno.Kv): Promise<string[]> {
  const found = [];
  for await (const { key } of kv.list({ prefix: [] })) found.push(key.map(String).join(" "));
  return found;
}

/** Every key that contains the id of a task; those of the journal do not. */
async function keysAbout(kv: Deno.Kv, id: string): Promise<string[]> {
  return (await keysOf(kv)).filter((key) => key.includes(id));
}

Deno.test("Store.submit() stores a task even if its start in the same commit conflicts each time", async () => {
  await using cluster = await open(1);
  const { kv, stores: [store] } = cluster;
  await kv.set(["taken"], 1);
  let starts = 0;
  store!.onpending = (live) => {
    starts++;
    const start = { type: "start", owner: "s0", slot: null } as const;
    live.change(start, null, { checks: [{ key: ["taken"], versionstamp: null }] });
  };
  const id = await submit(store!);
  assertEquals(JSON.parse((await store!.heads.get(id))!.record).status, "pending");
  // Once with the submit, and once after the task was stored.
  assertEquals(starts, 2);
});

Deno.test("Store.submit() resolves when the task is durable, and other processes see it", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  const id = await submit(a!, { input: '{"n":1}', priority: 5 });
  const stored = await b!.heads.get(id);
  assertEquals(stored?.input, '{"n":1}');
  const record = await recordOf(b!, id);
  assertEquals([record.status, record.priority, record.seq], ["pending", 5, 1]);
  const about = await keysAbout(cluster.kv, id);
  assertEquals(about.map((key) => key.split(" ")[0]).toSorted(), [
    "event",
    "index",
    "queue",
    "task",
  ]);
});

Deno.test("Store.submit() gives ids that sort in the order of submission", async () => {
  await using cluster = await open(1, () => 1000);
  const ids = await Promise.all(Array.from({ length: 50 }, () => submit(cluster.stores[0]!)));
  assertEquals(ids, ids.toSorted());
  assertEquals(new Set(ids).size, 50);
});

Deno.test("Store.submit() makes one task for an Idempotency-Key, however many submits come at once", async () => {
  await using cluster = await open(3);
  const idempotency = { key: "k1", digest: "d", ttlMs: 1000 };
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, n) => cluster.stores[n % 3]!.submit(task({ idempotency }))),
  );
  const [id, ...others] = new Set(all.map((it) => it.ok ? it.id : ""));
  assert(id && others.length === 0);
  assertEquals(all.filter((it) => it.ok && it.created).length, 1);
  const tasks = (await keysOf(cluster.kv)).filter((key) => key.startsWith("task "));
  assertEquals(tasks.length, 1);
  const other = await cluster.stores[0]!.submit(
    task({ idempotency: { ...idempotency, digest: "another body" } }),
  );
  assertEquals(other, { ok: false, reason: "key-reused", id });
});

Deno.test("Store.submit() forgets an Idempotency-Key when its time is over or its task was removed", async () => {
  let now = 1000;
  await using cluster = await open(1, () => now);
  const store = cluster.stores[0]!;
  const idempotency = { key: "k1", digest: "d", ttlMs: 1000 };
  const first = await submit(store, { idempotency });
  now = 1999;
  assertEquals(await submit(store, { idempotency }), first);
  now = 2000;
  const second = await submit(store, { idempotency: { ...idempotency, digest: "e" } });
  assert(second !== first);
  await store.cancel(second);
  assertEquals((await store.remove(second)).ok, true);
  const third = await submit(store, { idempotency: { ...idempotency, digest: "e" } });
  assert(third !== second);
});

Deno.test("Store lets only one of several processes claim a task", async () => {
  await using cluster = await open(4);
  for (let round = 0; round < 10; round++) {
    const id = await submit(cluster.stores[round % 4]!);
    const claims = await Promise.all(cluster.stores.map((store) => claim(store, id)));
    const won = claims.flatMap(({ ok, live }) => ok ? [live.task.owner] : []);
    assertEquals(won.length, 1);
    assertEquals((await cluster.stores[0]!.heads.get(id))?.owner, won[0]);
    assertEquals((await recordOf(cluster.stores[0]!, id)).attempt, 1);
  }
});

Deno.test("Store.cancel() cancels a pending task once, however many processes ask for it at once", async () => {
  await using cluster = await open(3);
  const id = await submit(cluster.stores[0]!);
  const all = await Promise.all(
    Array.from({ length: 9 }, (_, n) => cluster.stores[n % 3]!.cancel(id)),
  );
  assertEquals(all.filter(({ ok }) => ok).length, 1);
  for (const decided of all) {
    if (!decided.ok) {
      assertEquals(decided, { ok: false, reason: "wrong-state", status: "canceled" });
    }
  }
  const record = await recordOf(cluster.stores[1]!, id);
  assertEquals([record.status, record.cancel_requested], ["canceled", true]);
  assertEquals(await cluster.stores[2]!.cancel("01J0000000000000000000NONE"), {
    ok: false,
    reason: "not-found",
  });
});

Deno.test("Store.cancel() calls onwithdrawn for a pending task, and oncancel for a running one", async () => {
  await using cluster = await open(1);
  const [store] = cluster.stores;
  const told: [string, string][] = [];
  store!.onwithdrawn = (live) => told.push(["withdrawn", live.id]);
  store!.oncancel = (live) => told.push(["cancel", live.id]);
  const [waiting, running] = [await submit(store!), await submit(store!)];
  await claim(store!, running);
  for (const id of [waiting, running]) assert((await store!.cancel(id)).ok);
  assertEquals(told, [["withdrawn", waiting], ["cancel", running]]);
});

Deno.test("Store.cancel() that meets a claim either cancels the task or asks its new owner to stop it", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  for (let round = 0; round < 20; round++) {
    const id = await submit(a!);
    const [claimed, decided] = await Promise.all([claim(a!, id), b!.cancel(id)]);
    const { status } = await recordOf(b!, id);
    assert(decided.ok);
    if (decided.status === "canceled") assertEquals([claimed.ok, status], [false, "canceled"]);
    else assertEquals([claimed.ok, decided.status, status], [true, "asked", "running"]);
  }
});

Deno.test("Store.cancel() asks the process that runs a task to stop it, this or another, and stores who asked", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  const id = await submit(a!);
  await claim(a!, id);
  const stopped: string[] = [];
  a!.oncancel = ({ id }) => stopped.push(id);
  assertEquals(await b!.cancel(id, "bob"), { ok: true, status: "asked" });
  // The request is stored, as the owner may die before it hears of it.
  assertEquals(await readCancel(cluster.kv, id), { by: "bob" });
  const told = [];
  for await (const { key, value } of cluster.kv.list<Uint8Array>({ prefix: keys.journal })) {
    told.push(...parseJournal((await readEntry(cluster.kv, String(key[1]), value))!).events);
  }
  assertEquals(told.filter(({ type }) => type === "cancel").map(({ id, json }) => [id, json]), [
    [id, '"bob"'],
  ]);
  assertEquals(await a!.cancel(id), { ok: true, status: "asked" });
  assertEquals(stopped, [id]);
  assertEquals((await recordOf(b!, id)).cancel_requested, true);
});

Deno.test("Store.signal() keeps only one signal of a name, however many are sent at once", async () => {
  await using cluster = await open(2);
  const { kv, stores } = cluster;
  const id = await submit(stores[0]!);
  const signals = await Promise.all(
    [0, 0, 1, 1].map((store, n) => stores[store]!.signal(id, "go", `${n}`)),
  );
  const taken = signals.flatMap(({ ok }, n) => ok ? [`${n}`] : []);
  assertEquals(taken, [(await readSignal(kv, id, "go"))?.json]);
});

Deno.test("Store.signal() and Store.closeSignal() of the same name at once: only one of them takes effect", async () => {
  await using cluster = await open(2);
  const { kv, stores } = cluster;
  for (let n = 0; n < 20; n++) {
    const id = await submit(stores[0]!);
    const signal = () => stores[n % 2]!.signal(id, "go", "1");
    const close = () => stores[0]!.closeSignal(id, "go");
    const [first, second] = n % 4 < 2 ? [signal, close] : [close, signal];
    const [one, two] = await Promise.all([first(), second()]);
    const { ok } = (one ?? two)!;
    assertEquals((await readSignal(kv, id, "go"))?.json ?? null, ok ? "1" : null);
    assertEquals((await signal()).ok, false);
  }
});

Deno.test("Store.signal() refuses a signal if the task takes another of that name before its commit", async () => {
  await using cluster = await open(0);
  const { kv } = cluster;
  let take: () => Promise<unknown> = () => Promise.resolve();
  const late = kvWith(kv, {
    async get(key) {
      const entry = await kv.get(key);
      if (key[0] === "answer") await take();
      return entry as Deno.KvEntryMaybe<never>;
    },
  });
  using store = new Store({ kv: late, sid: "s", log });
  const id = await submit(store);
  // Between the read and the commit, another signal comes and is taken.
  const value = textValue(answerText({ type: "signal", done: true, until: null, json: "1" }));
  take = () => kv.set(keys.answer(id, "go"), value);
  assertEquals(await store.signal(id, "go", "2"), { ok: false, reason: "sent" });
  await store.journal.close();
});

Deno.test("Store.retry() removes the cancel request of the task", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  const id = await submit(a!);
  const { live } = await claim(a!, id);
  await b!.cancel(id);
  live.change({ type: "cancel" });
  await live.committed();
  assertEquals(await b!.retry(id), { ok: true, status: "pending" });
  const record = await recordOf(a!, id);
  assertEquals([record.attempt, record.cancel_requested], [0, false]);
  assertEquals((await cluster.kv.get(keys.cancel(id))).versionstamp, null);
});

Deno.test("Store.retry() puts a canceled task back to pending once, offers it to the runner, and refuses a pending task", async () => {
  await using cluster = await open(3);
  const [a] = cluster.stores;
  const id = await submit(a!);
  assertEquals(await a!.retry(id), { ok: false, reason: "wrong-state", status: "pending" });
  await a!.cancel(id);
  const offered = new Map<Store, string>();
  for (const store of cluster.stores) store.onpending = ({ id }) => offered.set(store, id);
  const all = await Promise.all(cluster.stores.map((store) => store.retry(id)));
  const winners = cluster.stores.filter((_, n) => all[n]!.ok);
  assertEquals(winners.map((store) => offered.get(store)), [id]);
  assertEquals((await recordOf(a!, id)).seq, 4);
});

Deno.test("Store.remove() leaves nothing of a finished task, and refuses any other", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  const big = JSON.stringify("x".repeat(20_000));
  const id = await submit(a!, { input: big });
  assertEquals(await b!.remove(id), { ok: false, reason: "wrong-state", status: "pending" });
  const { live } = await claim(a!, id);
  for (let n = 0; n < 600; n++) {
    live.rows.add("log", `{"message":"${n}"}`);
    if (n % 3 === 0) await live.committed();
  }
  live.rows.save(big);
  assertEquals(await b!.remove(id), { ok: false, reason: "wrong-state", status: "running" });
  await b!.cancel(id);
  live.change({ type: "cancel" });
  const [removed, again] = await Promise.all([a!.remove(id), a!.remove(id)]);
  assertEquals([removed.ok, again.ok].toSorted(), [false, true]);
  assertEquals(await keysAbout(cluster.kv, id), []);
  assertEquals(await b!.heads.get(id), null);
});

Deno.test("Store.remove() removes a task whose end is stored just after its head was read", async () => {
  await using cluster = await open(1);
  const ends: Promise<unknown>[] = [];
  const get = (async (key: Deno.KvKey) => {
    const entry = await cluster.kv.get(key);
    await ends[0];
    return entry;
  }) as Deno.Kv["get"];
  using store = new Store({ kv: kvWith(cluster.kv, { get }), sid: "slow", log });
  const id = await submit(store);
  const { live } = await claim(store, id);
  live.change({ type: "cancel" });
  ends.push(live.committed());
  assertEquals(await store.remove(id), { ok: true, status: "canceled" });
  await store.journal.close();
});

Deno.test("Store.finishRemovals() removes the rows that a crash in the middle of a removal left", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  const id = await submit(a!);
  const { live } = await claim(a!, id);
  for (let n = 0; n < 40; n++) {
    live.rows.add("log", `{"message":"${n}"}`);
    live.fold();
    await live.committed();
  }
  live.change({ type: "cancel" });
  await live.committed();
  const { kv } = cluster;
  let looks = 0;
  /** Dies between the commit that removes the task and the read of rows that did not fit in. */
  const dying = new Proxy(kv, {
    get(_, name) {
      if (name === "list" && ++looks === 2) throw new Error("killed");
      const value = Reflect.get(kv, name);
      return typeof value === "function" ? value.bind(kv) : value;
    },
  });
  using store = new Store({ kv: dying, sid: "dying", log });
  await assertRejects(() => store.remove(id), Error, "killed");
  await store.journal.close();
  assertEquals(await b!.heads.get(id), null);
  assert((await keysAbout(kv, id)).length > 0);
  await b!.finishRemovals();
  assertEquals(await keysAbout(kv, id), []);
});

Deno.test("Store.remove() and Store.retry() of a task at once: only one of them takes effect, and fully", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  for (let round = 0; round < 40; round++) {
    const id = await submit(a!);
    await a!.cancel(id);
    // In half of the rounds the retry comes from another process than the removal.
    const other = round % 2 === 0 ? a! : b!;
    const [removed, retried] = await Promise.all(
      round % 4 < 2
        ? [a!.remove(id), other.retry(id)]
        : [other.retry(id), a!.remove(id)].toReversed(),
    ) as [Decided, Decided];
    assert(removed.ok !== retried.ok, `round ${round}`);
    if (removed.ok) assertEquals(await keysAbout(cluster.kv, id), []);
    else assertEquals((await recordOf(a!, id)).status, "pending");
  }
});

Deno.test("Store.adopt() does not take back a task that has changed since it was released", async () => {
  await using cluster = await open(2);
  const [a, b] = cluster.stores;
  let offered: LiveTask | undefined;
  let canceling: Promise<unknown> | undefined;
  a!.onpending = (live) => {
    offered = live;
    canceling = a!.cancel(live.id);
  };
  const id = await submit(a!);
  await canceling;
  assert(offered);
  // The task has ended while it was queued, and must not block its removal.
  assertEquals(a!.adopt(offered), false);
  assertEquals(await a!.remove(id), { ok: true, status: "canceled" });
  a!.onpending = (live) => offered = live;

  const other = await submit(a!);
  const lost = offered;
  await claim(b!, other);
  lost.change({ type: "start", owner: "s0" });
  assertEquals((await lost.committed()).ok, false);
  assertEquals(a!.adopt(lost), false);
  assertEquals(await a!.cancel(other), { ok: true, status: "asked" });
});

Deno.test("Store keeps tasks consistent while cancels, retries, claims and completions race", async () => {
  await using cluster = await open(3);
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const ids = await Promise.all(cluster.stores.map((store) => submit(store)));
  const acts = [
    (store: Store, id: string) => store.cancel(id),
    (store: Store, id: string) => store.retry(id),
    (store: Store, id: string) => claim(store, id).catch(() => {}),
    (store: Store, id: string) =>
      store.withTask(id, (live) => {
        if (live.task.owner === store.sid) live.change({ type: "complete" }, "1");
      }),
  ];
  for (let wave = 0; wave < 40; wave++) {
    await Promise.all(
      Array.from({ length: 6 }, () => pick(acts)(pick(cluster.stores), pick(ids))),
    );
  }
  for (const store of cluster.stores) await store.journal.idle();
  for (const id of ids) {
    const stored = await cluster.stores[0]!.heads.get(id);
    const record = await recordOf(cluster.stores[0]!, id);
    const seqs = [];
    for await (const { key } of cluster.kv.list({ prefix: keys.events(id) })) {
      seqs.push(Number(key[2]));
    }
    const about = (await keysAbout(cluster.kv, id)).map((key) => key.split(" "));
    const index = about.filter(([first]) => first === "index").map(([, , status]) => status);
    const queued = about.filter(([first]) => first === "queue" || first === "later").length;
    assertEquals({ seed, index, queued, last: seqs.at(-1) }, {
      seed,
      index: [record.status],
      queued: record.status === "pending" ? 1 : 0,
      last: record.seq,
    });
    assertEquals(stored?.owner !== null, record.status === "running");
    assertEquals(record.finished_at !== null, isFinished(record.status));
  }
});

Deno.test("Store.submit() and Store.cancel() reject with the reason once the journal is closed", async () => {
  await using cluster = await open(1);
  const store = cluster.stores[0]!;
  const id = await submit(store);
  await store.journal.close();
  await assertRejects(() => store.submit(task()), StoreError, "closed");
  await assertRejects(() => store.cancel(id), StoreError, "closed");
});

Deno.test("Store keeps a task's owner and tags in the record and under their keys until it is removed", async () => {
  await using cluster = await open(1);
  const store = cluster.stores[0]!;
  const id = await submit(store, { owner: "acme", tags: ["b", "a"], submitter: "me" });
  const plain = await submit(store);
  const setsOf = async () =>
    (await keysOf(cluster.kv)).filter((key) => /^(owned|tagged|submitted) /.test(key));
  const sets = [`owned acme ${id}`, `submitted me ${id}`, `tagged a ${id}`, `tagged b ${id}`];
  assertEquals(await setsOf(), sets);
  const { record } = (await store.heads.get(plain))!;
  assert(!record.includes('"owner"') && !record.includes('"tags"'));
  await store.cancel(id);
  assertEquals(await setsOf(), sets);
  const labels = { owner: "acme", tags: ["b", "a"] };
  const { rows } = (await store.heads.rows(id, 0, 100))!;
  for (const { json } of rows) assertEquals(labelsOf(json), labels);
  assertEquals(rows.at(-1)!.type, "complete");
  assert((await store.retry(id)).ok && (await store.cancel(id)).ok);
  assertEquals(await setsOf(), sets);
  assert((await store.remove(id)).ok);
  assertEquals(await keysAbout(cluster.kv, id), []);
  const told: string[] = [];
  for await (const { key, value } of cluster.kv.list<Uint8Array>({ prefix: keys.journal })) {
    const lines = await readEntry(cluster.kv, String(key[1]), value);
    told.push(
      ...parseJournal(lines!).events.filter(({ type }) => type === "deleted").map((it) => it.json),
    );
  }
  assertEquals(told, [JSON.stringify({ task_id: id, ...labels })]);
});
