import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { defineTask, output, progress, type TaskDefinition } from "headway";
import { z } from "zod";
import { keys } from "../../../lib/kv/keys.ts";
import { StoreError } from "../../../lib/store/store_error.ts";
import type { Part, WriteResult } from "../../../lib/store/write.ts";
import { Rates } from "../../../lib/runner/rates.ts";
import { Cluster, recordOf, submit, untilAborted, when } from "../../helpers/cluster.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { seededRandom } from "../../helpers/random.ts";
import { eventually } from "../../helpers/eventually.ts";

/** A kind whose key is its input up to the first `-`, and whose runs wait for `open()`. */
function keyed(limit: number, more: { rate?: { limit: number; per: number } } = {}) {
  const starts: string[] = [];
  const active = new Map<string, number>();
  const most = new Map<string, number>();
  let gate = Promise.withResolvers<void>();
  const key = (input: unknown) => String(input).split("-")[0]!;
  const task = defineTask({
    kind: "k",
    concurrency: { limit, key },
    ...more,
    async *run({ input, signal }) {
      starts.push(String(input));
      const now = (active.get(key(input)) ?? 0) + 1;
      active.set(key(input), now);
      most.set(key(input), Math.max(most.get(key(input)) ?? 0, now));
      yield progress({ progress: 1 });
      try {
        await Promise.race([gate.promise, untilAborted(signal)]);
      } finally {
        active.set(key(input), active.get(key(input))! - 1);
      }
    },
  });
  return {
    task: task as TaskDefinition,
    starts,
    active,
    most,
    open: () => gate.resolve(),
    shut: () => gate = Promise.withResolvers(),
  };
}

type Engine = Awaited<ReturnType<Cluster["join"]>>;

function take(engine: Engine, name: string): Promise<string> {
  const concurrency = name.split("-")[0]!;
  return submit(engine, "k", { input: JSON.stringify(name), keys: { concurrency } });
}

Deno.test("StartLimits keeps the limit of each key across the cluster, and a full key holds up no other", async () => {
  const kind = keyed(2);
  await using cluster = await Cluster.open(kind.task);
  const engines = [await cluster.join(), await cluster.join(), await cluster.join()];
  const names = [
    ...Array.from({ length: 20 }, (_, n) => `a-${n}`),
    ...Array.from({ length: 10 }, (_, n) => `b-${n}`),
    "c-0",
  ];
  const ids: string[] = [];
  for (const [n, name] of names.entries()) ids.push(await take(engines[n % 3]!, name));
  await eventually(() => assertEquals(Object.fromEntries(kind.active), { a: 2, b: 2, c: 1 }));
  kind.open();
  for (const id of ids) await when(engines[0]!, id, "completed");
  assertEquals(Object.fromEntries(kind.most), { a: 2, b: 2, c: 1 });
  assertEquals(kind.starts.toSorted(), names.toSorted());
  // No slot and no queue entry is left.
  assertEquals(await Array.fromAsync(cluster.kv.list({ prefix: ["slot"] })), []);
  assertEquals(await Array.fromAsync(cluster.kv.list({ prefix: ["queue"] })), []);
});

Deno.test("StartLimits stores no slots if no other process runs tasks, and still keeps the limits", async () => {
  const kind = keyed(2);
  await using cluster = await Cluster.open(kind.task);
  const engine = await cluster.join({ alone: true });
  const slots = () => Array.fromAsync(cluster.kv.list({ prefix: ["slot"] }));
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) ids.push(await take(engine, `a-${n}`));
  await eventually(() => assertEquals(kind.active.get("a"), 2));
  assertEquals([engine.runner!.countSlots("k\0a"), await slots()], [2, []]);
  // Claims are lost, as another process may have paused a kind, and give their slots back.
  await cluster.kv.set(keys.pausedHead, "elsewhere");
  for (let n = 0; n < 4; n++) ids.push(await take(engine, `b-${n}`));
  await eventually(() => assertEquals(kind.active.get("b"), 2));
  assertEquals(engine.runner!.countSlots("k\0b"), 2);
  kind.open();
  for (const id of ids) await when(engine, id, "completed");
  assertEquals(Object.fromEntries(kind.most), { a: 2, b: 2 });
  await eventually(() => assertEquals(engine.runner!.countSlots("k\0b"), 0));
  assertEquals(await slots(), []);
});

Deno.test("StartLimits lets keys take turns after a restart, however many tasks one of them has", async () => {
  const kind = keyed(10_000);
  await using cluster = await Cluster.open(kind.task);
  const web = await cluster.join({ role: "web" });
  const names = [
    ...Array.from({ length: 12 }, (_, n) => `a-${n}`),
    "b-0",
    "b-1",
    "c-0",
  ];
  const ids: string[] = [];
  for (const name of names) ids.push(await take(web, name));
  await cluster.kill(web);
  kind.open();
  const worker = await cluster.join({ alone: true, concurrency: 1 });
  for (const id of ids) await when(worker, id, "completed");
  const order = kind.starts.map((name) => name[0]).join("");
  assertEquals(order, "abcabaaaaaaaaaa");
  assertEquals(kind.starts.filter((name) => name[0] === "a"), names.slice(0, 12));
});

Deno.test("StartLimits runs every task in order if a key has far more than are read at once", async () => {
  const kind = keyed(1);
  await using cluster = await Cluster.open(kind.task);
  const { kv } = cluster;
  const web = await cluster.join({ role: "web" });
  // Far more than are read at once of a key.
  const many: string[] = [];
  for (let n = 0; n < 500; n++) many.push(await take(web, `a-${n}`));
  const others: string[] = [];
  for (let n = 0; n < 60; n++) others.push(await take(web, `k${n}-0`));
  await cluster.kill(web);
  const worker = await cluster.join({ alone: true });
  // One task of each key runs, however many of the first key wait.
  await eventually(() => assertEquals(kind.starts.length, 61));
  kind.open();
  for (const id of [...many, ...others]) await when(worker, id, "completed");
  assertEquals(kind.starts.length, 560);
  assertEquals(kind.most.get("a"), 1);
  const mine = kind.starts.filter((name) => name.startsWith("a-"));
  assertEquals(mine, Array.from({ length: 500 }, (_, n) => `a-${n}`));
  assertEquals(await Array.fromAsync(kv.list({ prefix: ["queue"] })), []);
});

Deno.test("Claims forgets no task of a full key if the clock is set back when the task is due", async () => {
  const kind = keyed(1);
  await using cluster = await Cluster.open(kind.task);
  let time = Date.now();
  let setBack = false;
  const get = ((key: Deno.KvKey, ...more: []) => {
    // A task that is dropped from memory is read once more.
    if (setBack && key[0] === "task") {
      setBack = false;
      time -= 10_000;
    }
    return cluster.kv.get(key, ...more);
  }) as Deno.Kv["get"];
  const kv = kvWith(cluster.kv, { get });
  const engine = await cluster.join({ kv, alone: true, now: () => time });
  await take(engine, "a-first");
  await eventually(() => assertEquals(kind.starts, ["a-first"]));
  const ids: string[] = [];
  for (let n = 0; n < 120; n++) {
    const input = JSON.stringify(`a-${n}`);
    const more = { input, keys: { concurrency: "a" }, runAt: time + 1000 };
    ids.push(await submit(engine, "k", more));
  }
  time += 1000;
  setBack = true;
  await take(engine, "b-0");
  await eventually(() => assertEquals(setBack, false));
  time += 11_000;
  kind.open();
  await take(engine, "b-1");
  for (const id of ids) await when(engine, id, "completed");
});

Deno.test("StartLimits frees a dead process's slot, and derives a task's missing key from its input", async () => {
  const kind = keyed(1);
  await using cluster = await Cluster.open(kind.task);
  const first = await cluster.join();
  const running = await take(first, "a-0");
  await when(first, running, "running");
  const waits = await take(first, "a-1");
  // As a process that cannot tell its key stores it.
  const unkeyed = await submit(first, "k", { input: JSON.stringify("a-2") });
  const second = await cluster.join();
  await cluster.kill(first);
  kind.open();
  for (const id of [running, waits, unkeyed]) await when(second, id, "completed");
  assertEquals(kind.most.get("a"), 1);
  const head = await second.heads.get(unkeyed);
  assertEquals(JSON.parse(head!.record).keys, { concurrency: "a" });
});

Deno.test("MissingKeys derives keys from parsed inputs, and reads at most 100 inputs at once", async () => {
  const task = defineTask({
    kind: "k",
    // The schema does not accept what it makes.
    input: z.object({ tenant: z.string().transform((name) => ({ name })) }),
    concurrency: { limit: 1, key: ({ tenant }) => tenant.name },
    async *run() {},
  });
  await using cluster = await Cluster.open(task as TaskDefinition);
  const web = await cluster.join({ role: "web" });
  // Too large for the head: it has a key of its own in the store.
  const input = JSON.stringify({ tenant: { name: "acme" }, more: "x".repeat(1000) });
  const ids: string[] = [];
  for (let n = 0; n < 250; n++) ids.push(await submit(web, "k", { input, parsed: true }));
  await cluster.kill(web);
  let [reads, most] = [0, 0];
  const kv = kvWith(cluster.kv, {
    async get<T>(...[key, options]: Parameters<Deno.Kv["get"]>) {
      if (key[0] !== "input") return await cluster.kv.get<T>(key, options);
      most = Math.max(most, ++reads);
      return await cluster.kv.get<T>(key, options).finally(() => reads--);
    },
  });
  const worker = await cluster.join({ kv });
  for (const id of ids) await when(worker, id, "completed");
  const keyed = await Promise.all(ids.map(async (id) => (await recordOf(worker, id)).keys));
  assertEquals(new Set(keyed.map((keys) => keys?.concurrency)), new Set(["acme"]));
  assertLessOrEqual(most, 100);
});

Deno.test("MissingKeys adds the keys that a task lacks, and empty ones if its input no longer fits", async () => {
  const task = defineTask({
    kind: "k",
    input: z.string(),
    concurrency: { limit: 1, key: (name) => name },
    rate: { limit: 100, per: 1000, key: (name) => name },
    async *run() {},
  });
  await using cluster = await Cluster.open(task as TaskDefinition);
  const web = await cluster.join({ role: "web" });
  const acme = { input: JSON.stringify("acme") };
  const ids = [
    await submit(web, "k", { ...acme, keys: { debounce: "d" } }),
    await submit(web, "k", { ...acme, keys: { rate: "host" } }),
    await submit(web, "k", { ...acme, keys: {} }),
  ];
  const unfit: string[] = [];
  for (let n = 0; n < 3; n++) unfit.push(await submit(web, "k", { input: "1" }));
  await cluster.kill(web);
  const worker = await cluster.join();
  const keysOf = async (id: string, status: "completed" | "failed") =>
    (await when(worker, id, status)).keys;
  assertEquals(await Promise.all(ids.map((id) => keysOf(id, "completed"))), [
    { concurrency: "acme", rate: "acme", debounce: "d" },
    { concurrency: "acme", rate: "host" },
    { concurrency: "acme", rate: "acme" },
  ]);
  for (const id of unfit) {
    assertEquals(await keysOf(id, "failed"), { concurrency: "", rate: "" });
  }
});

/** Writes as the journal does. */
function writerTo(kv: Deno.Kv): (part: Part) => Promise<WriteResult> {
  return async ({ checks = [], sets = [] }) => {
    const atomic = kv.atomic().check(...checks);
    for (const [key, value] of sets) atomic.set(key, value);
    const result = await atomic.commit();
    return result.ok ? result : { ok: false, reason: "conflict" };
  };
}

Deno.test("Rates.read() in a process taken for dead puts no new rate in force", async () => {
  using kv = await Deno.openKv(":memory:");
  const clocks = { now: () => 0, clock: () => 0 };
  await new Rates({ kv, write: writerTo(kv), ...clocks }).read("k", { limit: 3, perMs: 1000 });
  const { value } = await kv.get(keys.rated("k"));
  const write = () => Promise.resolve({ ok: false as const, reason: "fenced" as const });
  const dead = new Rates({ kv, write, ...clocks });
  await assertRejects(() => dead.read("k", { limit: 9, perMs: 1000 }), StoreError, "fenced");
  assertEquals((await kv.get(keys.rated("k"))).value, value);
});

Deno.test("Rates lets no window have more starts than the limit, whatever the process and the wall clock", async () => {
  using kv = await Deno.openKv(":memory:");
  const write = writerTo(kv);
  let mono = 0;
  let wall = 1_000_000;
  const rate = { limit: 3, perMs: 1000 };
  const make = () => new Rates({ kv, write, now: () => wall, clock: () => mono });
  const [one, two] = [make(), make()];
  const starts: number[] = [];
  const start = async (rates: Rates): Promise<boolean> => {
    const taken = rates.take("k", rate);
    if (!taken) return false;
    const result = await write(taken.part);
    if (!result.ok) {
      await rates.lost(taken.slot, rate);
      return false;
    }
    rates.landed(taken.slot, result.versionstamp);
    starts.push(mono);
    return true;
  };
  for (const rates of [one, two]) await rates.read("k", rate);
  for (let step = 0; step < 200; step++) {
    for (const rates of [one, two]) while (await start(rates));
    for (const rates of [one, two]) while (await start(rates));
    // The wall clock is set back.
    if (step % 50 === 20) wall -= 3_600_000;
    mono += 130;
    wall += 130;
  }
  for (const at of starts) {
    const within = starts.filter((other) => other >= at && other < at + rate.perMs).length;
    assertLessOrEqual(within, rate.limit);
  }
  // And not many fewer than the limit allows, although the clock was set back.
  assert(starts.length > 60, String(starts.length));
  const fresh = make();
  await fresh.read("k", rate);
  assert(fresh.waitMs("k", rate) <= rate.perMs);
});

Deno.test("Rates counts starts from before the limit was lowered, also while a process with the old limit runs", async () => {
  const random = seededRandom(5);
  for (let run = 0; run < 20; run++) {
    using kv = await Deno.openKv(":memory:");
    const write = writerTo(kv);
    let time = 1_000_000;
    const clocks = { now: () => time, clock: () => time, random };
    const [before, after] = [{ limit: 2 + Math.floor(random() * 9), perMs: 1000 }, {
      limit: 1 + Math.floor(random() * 5),
      perMs: 1000,
    }];
    const starts: number[] = [];
    const start = async (rates: Rates, rate: typeof before): Promise<void> => {
      const taken = rates.take("k", rate);
      if (!taken) return void await rates.read("k", rate);
      const result = await write(taken.part);
      if (!result.ok) return await rates.lost(taken.slot, rate);
      rates.landed(taken.slot, result.versionstamp);
      starts.push(time);
    };
    const old = new Rates({ kv, write, ...clocks });
    for (let step = 0; step < 40; step++) {
      await start(old, before);
      time += Math.floor(random() * 100);
    }
    const deployed = new Rates({ kv, write, ...clocks });
    await deployed.read("k", after);
    const since = starts.length;
    for (let step = 0; step < 200; step++) {
      await (random() < 0.5 ? start(old, before) : start(deployed, after));
      time += Math.floor(random() * 60);
    }
    for (const [n, at] of starts.entries()) {
      if (n < since) continue;
      const within = starts.slice(0, n + 1).filter((other) => other > at - 1000).length;
      assertLessOrEqual(within, after.limit, `${before.limit} to ${after.limit}, run ${run}`);
    }
    // The starts go on.
    const last = starts.filter((at) => at > time - 4000 && at <= time - 1000).length;
    assert(last >= after.limit, `${last}`);
  }
});

Deno.test("Rates keeps a start under way if slots are read before its commit has landed", async () => {
  using kv = await Deno.openKv(":memory:");
  const write = writerTo(kv);
  const rate = { limit: 2, perMs: 1000 };
  const rates = new Rates({ kv, write, now: () => 1_000_000, clock: () => 0, random: () => 0 });
  const commit = async (part: Part): Promise<string> => {
    const result = await write(part);
    assert(result.ok);
    return result.versionstamp;
  };
  await rates.read("k", rate);
  // The store shows a start of another process in the second slot, and not yet ours in the first.
  await kv.set(keys.rateSlot("k", 1), 1_000_000);
  const { slot, part } = rates.take("k", rate)!;
  await rates.read("k", rate);
  rates.landed(slot, await commit(part));
  assertEquals(rates.waitMs("k", rate), 1000);
  assertEquals(rates.take("k", rate), null);
});

Deno.test("Rates.started() counts the window from the start, although the process stalled since take()", async () => {
  using kv = await Deno.openKv(":memory:");
  const write = writerTo(kv);
  const rate = { limit: 1, perMs: 1000 };
  let at = 0;
  const make = () => new Rates({ kv, write, now: () => 1_000_000 + at, clock: () => at });
  const rates = make();
  await rates.read("k", rate);
  const { slot, part } = rates.take("k", rate)!;
  at = 25;
  rates.started(slot);
  const result = await write(part);
  assert(result.ok);
  rates.landed(slot, result.versionstamp);
  assertEquals(rates.waitMs("k", rate), 1000);
  // A process that begins later counts the same.
  const next = make();
  await next.read("k", rate);
  assertEquals(next.waitMs("k", rate), 1000);
});

Deno.test("Rates of two processes collide in one round only, and share reads for the starts that were lost", async () => {
  using kv = await Deno.openKv(":memory:");
  const write = writerTo(kv);
  let reads = 0;
  const counting = kvWith(kv, { list: (...args) => (reads++, kv.list(...args)) });
  const rate = { limit: 10_000, perMs: 1000 };
  // Both begin at the same slot, and go on at different ones.
  const make = (...randoms: number[]) =>
    new Rates({
      kv: counting,
      write,
      now: () => 0,
      clock: () => 0,
      random: () => randoms.shift() ?? 0,
    });
  const both = [make(0.9, 0.1, 0.4), make(0.9, 0.1, 0.8)];
  for (const rates of both) await rates.read("k", rate);
  reads = 0;
  let lost = 0;
  const start = async (rates: Rates) => {
    const { slot, part } = rates.take("k", rate)!;
    const result = await write(part);
    if (result.ok) return rates.landed(slot, result.versionstamp);
    lost++;
    await rates.lost(slot, rate);
  };
  for (let round = 0; round < 10; round++) {
    await Promise.all(both.flatMap((rates) => Array.from({ length: 20 }, () => start(rates))));
  }
  // The starts of one process that were under way when the two collided.
  assertEquals(lost, 20);
  assertLessOrEqual(reads, 4);
});

Deno.test("StartLimits starts all tasks of a rate in two processes, no more in a window than the limit, in as many slots", async () => {
  const rate = { limit: 3, per: 700 };
  const task = defineTask({ kind: "k", rate, async *run() {} });
  await using cluster = await Cluster.open(task);
  const now = () => Math.floor(performance.timeOrigin + performance.now());
  const engines = [await cluster.join({ now }), await cluster.join({ now })];
  const ids: string[] = [];
  for (let n = 0; n < 9; n++) ids.push(await submit(engines[n % 2]!, "k"));
  const records = [];
  for (const id of ids) records.push(await when(engines[0]!, id, "completed"));
  const starts = records.map(({ started_at }) => Date.parse(started_at!)).sort();
  for (let n = rate.limit; n < starts.length; n++) {
    // The times are whole milliseconds.
    assertGreaterOrEqual(starts[n]! - starts[n - rate.limit]!, rate.per - 1);
  }
  const stored = await Array.fromAsync(cluster.kv.list({ prefix: keys.rateSlotsOf("k") }));
  assertEquals(stored.length, 3);
});

Deno.test("Store.submit() replaces the input of a debounced task that has not begun, in any process", async () => {
  const inputs: unknown[] = [];
  const task = defineTask({
    kind: "k",
    debounce: { wait: 1000, key: String },
    // deno-lint-ignore require-yield -- it has nothing to tell
    async *run({ input }) {
      inputs.push(input);
    },
  });
  await using cluster = await Cluster.open(task);
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const engines = [
    await cluster.join({ role: "web", now }),
    await cluster.join({ role: "web", now }),
  ];
  const large = (n: number) => JSON.stringify(`${n}`.repeat(n % 2 === 0 ? 1000 : 1));
  const put = (n: number, runAt: number) =>
    submit(engines[n % 2]!, "k", {
      input: large(n),
      keys: { debounce: "a" },
      debounced: { name: "a", runAt },
    });
  const runAt = now() + 60_000;
  const ids = new Set(await Promise.all(Array.from({ length: 8 }, (_, n) => put(n, runAt))));
  assertEquals(ids.size, 1);
  const [id] = ids;
  assertEquals(await put(8, runAt + 5000), id);
  const head = await engines[0]!.heads.get(id!);
  assertEquals(JSON.parse(head!.record).run_at, new Date(runAt + 5000).toISOString());
  assertEquals(await put(9, runAt + 1000), id);
  // A small input leaves none of a large one behind.
  assertEquals(await Array.fromAsync(cluster.kv.list({ prefix: ["input"] })), []);
  ahead = 120_000;
  const worker = await cluster.join({ now });
  await when(worker, id!, "completed");
  assertEquals(inputs, ["9"]);
  assertEquals(await Array.fromAsync(cluster.kv.list({ prefix: ["debounce"] })), []);
  // The task has begun: the next submit makes another one.
  const next = await put(10, now() + 60_000);
  assert(next !== id);
  // A canceled task is not replaced, and a retry of it leaves the key to the task submitted since.
  await engines[0]!.store.cancel(next);
  const last = await put(11, now() + 60_000);
  assert(last !== next);
  await engines[0]!.store.retry(next);
  await when(worker, next, "completed");
  assertEquals(await put(12, now() + 60_000), last);
});

Deno.test("Claims loses nothing of a run's end if the next start of its task is lost to another process", async () => {
  const attempts: number[] = [];
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const task = defineTask({
    kind: "k",
    rate: { limit: 1, per: 1 },
    // The delay before the retry is below a millisecond: the task starts again at once.
    retry: { maxAttempts: 2, baseMs: 1, capMs: 1 },
    async *run({ attempt }) {
      attempts.push(attempt);
      begun.resolve();
      await gate.promise;
      yield output({ attempt });
      if (attempts.length === 1) throw new Error("once");
    },
  });
  await using cluster = await Cluster.open(task);
  const engine = await cluster.join();
  const id = await submit(engine, "k", { maxAttempts: 2 });
  await begun.promise;
  // Another process took the slot, and its window has passed.
  await cluster.kv.set(keys.rateSlot("k", 0), Date.now() - 60_000);
  gate.resolve();
  await when(engine, id, "completed");
  assertEquals(attempts, [1, 2]);
});

Deno.test("StartLimits starts the earlier task of each key first under a rate, also after a restart", async () => {
  const starts: string[] = [];
  const key = (input: unknown) => String(input).split("-")[0]!;
  const task = defineTask({
    kind: "k",
    rate: { limit: 2, per: { hours: 1 }, key },
    // deno-lint-ignore require-yield -- it has nothing to tell
    async *run({ input }) {
      starts.push(String(input));
    },
  });
  await using cluster = await Cluster.open(task as TaskDefinition);
  const web = await cluster.join({ role: "web" });
  const take = (name: string) =>
    submit(web, "k", { input: JSON.stringify(name), keys: { rate: key(name) } });
  const names = Array.from({ length: 20 }, (_, n) => `k${n}`);
  const before = await cluster.join();
  for (const name of names) await when(web, await take(`${name}-0`), "completed");
  await cluster.kill(before);
  // One of the two rate slots of each key is free.
  for (const n of [1, 2]) for (const name of names) await take(`${name}-${n}`);
  starts.length = 0;
  await cluster.kill(web);
  await cluster.join({ alone: true });
  const first = names.map((name) => `${name}-1`);
  await eventually(() => assertEquals(starts.toSorted(), first.toSorted()));
});
