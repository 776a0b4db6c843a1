import { assert, assertEquals, assertGreater, assertLessOrEqual, assertRejects } from "@std/assert";
import { children, defineTask, log, progress, save } from "headway";
import type { ToTasks } from "../../lib/child/protocol.ts";
import type { Head } from "../../lib/kv/head.ts";
import { keys } from "../../lib/kv/keys.ts";
import { parseRows } from "../../lib/kv/event_text.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { start } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import { startInline } from "../../lib/runner/task_process.ts";
import type { Server } from "../../lib/server.ts";
import { submit as submitByHttp, taskWhen } from "../helpers/api.ts";
import {
  Cluster,
  counted,
  LEASE_MS,
  recordOf,
  submit,
  untilAborted,
  when,
} from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { kvWith } from "../helpers/kv_with.ts";
import { storeThat } from "../helpers/store_that.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("Engine runs tasks that are due even if the clock was set back, and no delayed task too early", async () => {
  const free = counted("free");
  free.open();
  await using cluster = await Cluster.open(free.task);
  let time = Date.now();
  const now = () => time;
  const web = await cluster.join({ role: "web", now });
  const due = await submit(web, "free");
  const delayed = await submit(web, "free", { runAt: time + 60_000 });
  const again = await submit(web, "free");
  await web.store.cancel(again);
  time += 1000;
  await web.store.retry(again);
  time -= 108_000_000;
  const all = await cluster.join({ now });
  await when(all, due, "completed");
  await when(all, again, "completed");
  assertEquals((await recordOf(all, delayed)).status, "pending");
});

/** A kind that notes the order in which its tasks start, and holds them until `open()`. */
function ordered(kind: string, options: { concurrency?: number } = {}) {
  const starts: string[] = [];
  const gate = Promise.withResolvers<void>();
  const task = defineTask({
    kind,
    ...options,
    async *run({ taskId, signal }) {
      starts.push(taskId);
      yield progress({ progress: 1 });
      await Promise.race([gate.promise, untilAborted(signal)]);
    },
  });
  return { task, starts, open: () => gate.resolve() };
}

for (const end of ["stops", "is killed"] as const) {
  Deno.test(`Engine runs interrupted tasks before all later ones after their process ${end}`, async () => {
    const kind = ordered("k");
    await using cluster = await Cluster.open(kind.task);
    const first = await cluster.join({ alone: true, concurrency: 2 });
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await submit(first, "k"));
    await eventually(() => assertEquals(kind.starts, ids.slice(0, 2)));
    if (end === "stops") await first.close(5000);
    else await cluster.kill(first);
    kind.starts.length = 0;
    const second = await cluster.join({ alone: true, concurrency: 1 });
    await eventually(() => assertEquals(kind.starts, ids.slice(0, 1)));
    kind.open();
    await when(second, ids.at(-1)!, "completed");
    assertEquals(kind.starts, ids);
  });
}

Deno.test("Engine gives a kind's last slot to the next task, even if a later one need not be loaded", async () => {
  const kind = ordered("k", { concurrency: 1 });
  await using cluster = await Cluster.open(kind.task);
  const first = await cluster.join({ alone: true, role: "web" });
  const next = await submit(first, "k", { priority: 1 });
  await first.close(0);
  // Tasks that it loads arrive only once the gate is open.
  const gate = Promise.withResolvers<void>();
  const get = async (key: Deno.KvKey) => {
    if (key[0] === "task") await gate.promise;
    return await cluster.kv.get(key);
  };
  const kv = kvWith(cluster.kv, { get: get as Deno.Kv["get"] });
  const second = await cluster.join({ alone: true, kv });
  const later = await submit(second, "k");
  gate.resolve();
  kind.open();
  for (const id of [next, later]) await when(second, id, "completed");
  assertEquals(kind.starts, [next, later]);
});

Deno.test("Engine runs a task that another process gave back before all later ones, in any claim order", async () => {
  const kind = ordered("k");
  await using cluster = await Cluster.open(kind.task);
  let time = Date.now();
  const options = { now: () => time, leaseMs: 60_000, concurrency: 1 };
  const leaving = await cluster.join(options);
  const id = await submit(leaving, "k");
  await when(leaving, id, "running");
  const staying = await cluster.join(options);
  const later: string[] = [];
  for (let n = 0; n < 30; n++) later.push(await submit(leaving, "k"));
  await eventually(() => assertEquals(kind.starts.length, 2));
  time += 60_000;
  await leaving.stopTasks(5000);
  await staying.hub.caughtUp();
  // By now this process need not leave any claim to the other one.
  time += 5000;
  kind.open();
  for (const each of later) await when(staying, each, "completed");
  assertEquals(kind.starts.indexOf(id, 1), 2);
});

Deno.test("Engine measures how long an interrupted task waits from the interruption on", async () => {
  const kind = ordered("k");
  await using cluster = await Cluster.open(kind.task);
  let time = Date.now();
  const now = () => time;
  const first = await cluster.join({ alone: true, now });
  const id = await submit(first, "k");
  await when(first, id, "running");
  time += 60_000;
  await first.stopTasks(5000);
  time += 1000;
  const waits: number[] = [];
  using metrics = new class extends Metrics {
    override claimed(_kind: string, ms: number): void {
      waits.push(ms);
    }
  }({ version: "1.2.3", role: "all" });
  const second = await cluster.join({ alone: true, now, metrics });
  await when(second, id, "running");
  await eventually(() => assertEquals(waits, [1000]));
});

/** Messages of a task's log. */
async function logOf(kv: Deno.Kv, id: string): Promise<string[]> {
  const messages = [];
  for await (const { value } of kv.list<Uint8Array>({ prefix: keys.events(id) })) {
    for (const { type, json } of parseRows(value)) {
      if (type === "log") messages.push(JSON.parse(json).message);
    }
  }
  return messages;
}

Deno.test("Engine runs each task of a cluster once, whichever process accepted it", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const engines = [await cluster.join(), await cluster.join({ concurrency: 3 })];
  kind.open();
  const ids = await Promise.all(
    Array.from({ length: 60 }, (_, n) => submit(engines[n % 2]!, "k")),
  );
  for (const id of ids) await when(engines[0]!, id, "completed");
  assertEquals([...kind.runs.values()], ids.map(() => 1));
  assertEquals(new Set(kind.runs.keys()), new Set(ids));
});

Deno.test("Engine claims no more tasks at once than three commits hold if other processes may claim them", async () => {
  const kind = counted("k");
  kind.open();
  await using cluster = await Cluster.open(kind.task);
  const web = await cluster.join({ role: "web" });
  const gates: Promise<void>[] = [];
  const slow = storeThat(cluster.kv, async () => void await gates[0]);
  const leaseMs = 60_000;
  const worker = await cluster.join({ role: "worker", kv: slow, leaseMs });
  const { promise, resolve } = Promise.withResolvers<void>();
  gates.push(promise);
  const ids = await Promise.all(Array.from({ length: 60 }, () => submit(web, "k")));
  try {
    await worker.hub.caughtUp();
    // Only 24 of the 60 tasks are claimed, and no more while the store does not answer.
    await eventually(() => assertEquals(worker.runner!.running, 24));
    await worker.hub.caughtUp();
    assertEquals(worker.runner!.running, 24);
  } finally {
    resolve();
  }
  for (const id of ids) await when(web, id, "completed");
  assertEquals([...kind.runs.values()], ids.map(() => 1));
});

Deno.test("Engine keeps to a kind's concurrency across the cluster, and runs all of its tasks", async () => {
  const kind = counted("k", { concurrency: 2 });
  await using cluster = await Cluster.open(kind.task);
  const engines = [await cluster.join(), await cluster.join(), await cluster.join()];
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, n) => submit(engines[n % 3]!, "k")),
  );
  await eventually(() => assertEquals(kind.seen.active, 2));
  kind.open();
  for (const id of ids) await when(engines[0]!, id, "completed");
  assertEquals(kind.seen, { active: 0, most: 2 });
  assertEquals([...kind.runs.values()], ids.map(() => 1));
});

Deno.test("Engine cancels a task that another process runs", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const worker = await cluster.join();
  const web = await cluster.join({ role: "web" });
  const id = await submit(web, "k");
  await eventually(() => assertEquals(kind.seen.active, 1));
  assertEquals(await web.store.cancel(id, "bob"), { ok: true, status: "asked" });
  const record = await when(web, id, "canceled");
  assertEquals([record.cancel_requested, record.by, kind.seen.active], [true, "bob", 0]);
  assertEquals(await worker.store.cancel(id), {
    ok: false,
    reason: "wrong-state",
    status: "canceled",
  });
});

/** A kind that logs and saves six steps, and waits after the third until `open()`. */
function stepping(kind: string, options: { concurrency?: number } = {}) {
  const gate = Promise.withResolvers<void>();
  const starts: unknown[] = [];
  const task = defineTask({
    kind,
    ...options,
    async *run({ checkpoint, signal, attempt }) {
      starts.push([checkpoint?.step ?? 0, attempt]);
      for (let step = (checkpoint?.step ?? 0) + 1; step <= 6; step++) {
        if (step === 4) {
          yield progress({ progress: 50, message: "waits" });
          await Promise.race([gate.promise, untilAborted(signal)]);
        }
        yield log(`step ${step}`);
        yield save({ step });
      }
    },
  });
  return { task, starts, open: () => gate.resolve() };
}

for (const options of [{}, { concurrency: 1 }]) {
  const limit = "concurrency" in options ? "with a limit" : "without a limit";
  Deno.test(`Engine resumes the tasks of a dead process from their checkpoints, for a kind ${limit}`, async () => {
    const kind = stepping("k", options);
    await using cluster = await Cluster.open(kind.task);
    const dying = await cluster.join();
    const living = await cluster.join();
    const id = await submit(dying, "k");
    await eventually(async () => assertEquals((await recordOf(living, id)).message, "waits"));
    const owner = (await living.store.heads.get(id))?.owner;
    // Kills whichever process runs the task.
    const [dead, other] = owner === dying.store.sid ? [dying, living] : [living, dying];
    await cluster.kill(dead);
    kind.open();
    const record = await when(other, id, "completed");
    assertEquals(kind.starts, [[0, 1], [3, 1]]);
    assertEquals(record.attempt, 1);
    const messages = await logOf(cluster.kv, id);
    assertEquals(messages.filter((message) => message.startsWith("step")), [
      "step 1",
      "step 2",
      "step 3",
      "step 4",
      "step 5",
      "step 6",
    ]);
    assert(messages.some((message) => message.startsWith("Interrupted: ")));
    assert(messages.some((message) => message.startsWith("Resumed")));
    assertEquals((await other.store.heads.get(id))?.interruptions, 1);
  });
}

Deno.test("Engine runs tasks that waited for a slot of a dead process", async () => {
  const kind = counted("k", { concurrency: 1 });
  await using cluster = await Cluster.open(kind.task);
  const engines = [await cluster.join(), await cluster.join()];
  const ids = await Promise.all(Array.from({ length: 6 }, (_, n) => submit(engines[n % 2]!, "k")));
  await eventually(() => assertEquals(kind.seen.active, 1));
  const running = (await Promise.all(ids.map((id) => engines[0]!.store.heads.get(id))))
    .find((stored) => stored && stored.owner !== null);
  const dead = engines.find(({ store }) => store.sid === running?.owner)!;
  const living = engines.find((engine) => engine !== dead)!;
  await cluster.kill(dead);
  kind.open();
  for (const id of ids) await when(living, id, "completed");
});

Deno.test("Engine cancels a task whose owner has died", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const worker = await cluster.join();
  const web = await cluster.join({ role: "web" });
  const id = await submit(web, "k");
  await eventually(() => assertEquals(kind.seen.active, 1));
  await cluster.kill(worker);
  assertEquals(await web.store.cancel(id, "bob"), { ok: true, status: "asked" });
  const { cancel_requested, by } = await when(web, id, "canceled");
  assertEquals([cancel_requested, by], [true, "bob"]);
});

Deno.test("Engine does not apply an earlier cancel to a task that was retried", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const worker = await cluster.join();
  const web = await cluster.join({ role: "web" });
  const id = await submit(web, "k");
  await eventually(() => assertEquals(kind.seen.active, 1));
  await web.store.cancel(id);
  await when(web, id, "canceled");
  await web.store.retry(id);
  await eventually(async () => {
    assertEquals((await recordOf(web, id)).status, "running");
    assertEquals(kind.seen.active, 1);
  });
  await cluster.kill(worker);
  await when(web, id, "pending");
  kind.open();
  await cluster.join();
  await when(web, id, "completed");
});

Deno.test("Engine counts an attempt's time over all of its runs, whatever ended them", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const headOf = async (id: string) => (await cluster.kv.get<Head>(keys.task(id))).value!;
  const first = await cluster.join();
  const id = await submit(first, "k", { timeoutMs: 3_600_000 });
  await eventually(() => assertEquals(kind.seen.active, 1));
  await first.stopTasks(0);
  await when(first, id, "pending");
  const { ranMs } = await headOf(id);
  assertGreater(ranMs!, 0);
  // A run counts until the last renewal of the dead process, without the time that nobody ran it.
  const second = await cluster.join();
  await when(second, id, "running");
  await eventually(() => assertEquals(kind.seen.active, 1));
  const { sid } = second.store;
  const renewed_at = new Date((await headOf(id)).runSince! + 3_600_000).toISOString();
  await cluster.kill(second);
  await cluster.kv.atomic().delete(keys.session(sid)).set(keys.dead(sid), renewed_at).commit();
  // The attempt has no time left.
  const third = await cluster.join();
  const { error, attempt } = await when(third, id, "failed");
  assertEquals([error?.name, attempt], ["TimeoutError", 1]);
  assertEquals((await headOf(id)).ranMs, ranMs! + 3_600_000);
  assertEquals(kind.runs.get(id), 2);
});

Deno.test("Engine writes nothing once it was taken for dead", async () => {
  const kind = counted("k");
  await using cluster = await Cluster.open(kind.task);
  const fenced = Promise.withResolvers<void>();
  const paused = await cluster.join({ onfenced: fenced.resolve });
  const ids = await Promise.all(Array.from({ length: 5 }, () => submit(paused, "k")));
  await eventually(() => assertEquals(kind.seen.active, 5));
  // As another process does when it finds that the lease is over.
  const { sid } = paused.store;
  await cluster.kv.atomic().delete(keys.session(sid)).set(keys.dead(sid), null).commit();
  const newest = async () => {
    for await (const { versionstamp } of cluster.kv.list({ prefix: [] })) seen.add(versionstamp);
    return [...seen].toSorted().at(-1);
  };
  const seen = new Set<string>();
  const before = await newest();
  kind.open();
  await fenced.promise;
  await eventually(() => assertEquals(kind.seen.active, 0));
  assertEquals(await newest(), before);
  for (const id of ids) {
    const { status, progress } = await recordOf(paused, id);
    assertEquals(status, "running");
    assertLessOrEqual(progress!, 1);
  }
  await cluster.kill(paused);
  const other = await cluster.join();
  for (const id of ids) {
    const { attempt } = await when(other, id, "completed");
    assertEquals(attempt, 1);
  }
  assertEquals([...kind.runs.values()], ids.map(() => 2));
});

Deno.test("Engine.close() returns tasks without using up an attempt, and another process resumes them", async () => {
  const kind = stepping("k");
  await using cluster = await Cluster.open(kind.task);
  const first = await cluster.join();
  const id = await submit(first, "k");
  await eventually(async () => assertEquals((await recordOf(first, id)).message, "waits"));
  await first.close(5000);
  for await (const { key } of cluster.kv.list({ prefix: keys.sessions })) assertEquals(key, []);
  const second = await cluster.join();
  kind.open();
  assertEquals((await when(second, id, "completed")).attempt, 1);
  assertEquals(kind.starts, [[0, 1], [3, 1]]);
});

Deno.test("Engine that is alone resumes tasks after a crash without waiting for the lease to end", async () => {
  const kind = stepping("k");
  await using cluster = await Cluster.open(kind.task);
  const first = await cluster.join({ leaseMs: 3_600_000, alone: true });
  const id = await submit(first, "k");
  await eventually(async () => assertEquals((await recordOf(first, id)).message, "waits"));
  await cluster.kill(first);
  kind.open();
  const second = await cluster.join({ leaseMs: 3_600_000, alone: true });
  await when(second, id, "completed");
  assertEquals(kind.starts, [[0, 1], [3, 1]]);
});

Deno.test("Engine lets go of a task that was canceled while it waited for a slot", async () => {
  const kind = counted("k", { concurrency: 1 });
  await using cluster = await Cluster.open(kind.task);
  const engine = await cluster.join();
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => submit(engine, "k")));
  await when(engine, first!, "running");
  assertEquals(await engine.store.cancel(second!), { ok: true, status: "canceled" });
  kind.open();
  await when(engine, third!, "completed");
  assertEquals(await engine.store.remove(second!), { ok: true, status: "canceled" });
  assertEquals(kind.runs.has(second!), false);
});

Deno.test("Engine runs a delayed task at once after it was canceled and retried", async () => {
  const kind = counted("k");
  kind.open();
  await using cluster = await Cluster.open(kind.task);
  const engine = await cluster.join();
  const id = await submit(engine, "k", { runAt: Date.now() + 3_600_000 });
  await engine.store.cancel(id);
  await engine.store.retry(id);
  await when(engine, id, "completed");
});

Deno.test("Engine starts no second attempt before its time, in any process", async () => {
  let now = 1_000_000;
  const starts: number[] = [];
  const task = defineTask({
    kind: "k",
    retry: { maxAttempts: 2, baseMs: 60_000 },
    async *run({ attempt }) {
      yield attempt;
      starts.push(now);
      if (attempt === 1) throw new Error("once");
    },
  });
  await using cluster = await Cluster.open(task);
  const engines = [await cluster.join({ now: () => now }), await cluster.join({ now: () => now })];
  const id = await submit(engines[0]!, "k", { maxAttempts: 2 });
  await eventually(async () => {
    const { status, error } = await recordOf(engines[0]!, id);
    assertEquals([status, error?.message], ["pending", "once"]);
  });
  now = Date.parse((await recordOf(engines[1]!, id)).run_at);
  assertGreater(now, 1_000_000);
  // Another task makes the processes look at their queues again.
  const other = await submit(engines[1]!, "k", { maxAttempts: 2, priority: -1 });
  await when(engines[0]!, id, "completed");
  assertEquals(starts.filter((at) => at === 1_000_000).length, 1);
  await engines[0]!.store.cancel(other);
});

Deno.test("start() twice on one database handle makes two processes of a cluster", async () => {
  await using directory = await tempDir();
  const kv = await Deno.openKv(`${directory.path}/test.db`);
  {
    const settings: Record<string, string> = {
      HEADWAY_PORT: "0",
      HEADWAY_LOG: "off",
      HEADWAY_LEASE_MS: String(LEASE_MS),
    };
    const open = (): Promise<Server> =>
      start(readConfig((name) => settings[name]), { kv, inline: true, graceMs: 1000 });
    await using a = await open();
    await using b = await open();
    const submitted = await Promise.all(
      Array.from(
        { length: 10 },
        (_, n) => submitByHttp([a, b][n % 2]!.url, "demo", { steps: 3, interval_ms: 5 }),
      ),
    );
    for (const [n, { task_id }] of submitted.entries()) {
      const record = await taskWhen(
        [b, a][n % 2]!.url,
        task_id,
        ({ status }) => status === "completed",
      );
      assertEquals([record.attempt, record.progress], [1, 100]);
    }
  }
  kv.close();
});

/**
 * A handle that makes each commit twice while `repeats()`, and returns the result of the second: as
 * a client of KV Connect does if the connection breaks before the answer.
 */
function repeating(kv: Deno.Kv, repeats: () => boolean): Deno.Kv {
  const atomic = () => {
    const twins = [kv.atomic(), kv.atomic()] as const;
    return new Proxy(twins[0], {
      get(_, name, receiver) {
        if (name === "commit") {
          return async () => {
            const first = await twins[0].commit();
            return repeats() ? await twins[1].commit() : first;
          };
        }
        return (...args: unknown[]) => {
          for (const twin of twins) {
            // deno-lint-ignore no-explicit-any -- whatever is called is called on both
            (twin as any)[name](...args);
          }
          return receiver;
        };
      },
    });
  };
  return kvWith(kv, { atomic });
}

Deno.test("Engine runs a task whose claim was committed but reported as a conflict", async () => {
  let ran = 0;
  await using cluster = await Cluster.open(defineTask({
    kind: "counts",
    // deno-lint-ignore require-yield -- a task that has nothing to tell
    async *run() {
      return ++ran;
    },
  }));
  const web = await cluster.join({ role: "web" });
  const id = await submit(web, "counts");
  let repeats = true;
  const kv = repeating(cluster.kv, () => repeats);
  await cluster.join({ role: "worker", kv });
  await eventually(async () => assertGreater((await web.store.heads.get(id))!.interruptions, 0));
  repeats = false;
  await eventually(async () => assertEquals((await recordOf(web, id)).status, "completed"));
  assertEquals(ran, 1);
});

Deno.test("Engine.open() alone on a store that takes no writes rejects with its error, and may be tried again", async () => {
  await using cluster = await Cluster.open();
  await cluster.kv.set(keys.session("dead"), { role: "all" });
  let commits = 0;
  // The first commit succeeds; all later ones fail, as does the one that reaps the dead session.
  const kv = storeThat(cluster.kv, () => {
    return ++commits > 1
      ? Promise.reject(new Error("database or disk is full"))
      : Promise.resolve();
  });
  await assertRejects(() => cluster.join({ kv, alone: true }), Error, "disk is full");
  commits = -Infinity;
  const engine = await cluster.join({ alone: true });
  assertEquals((await cluster.kv.get(keys.session("dead"))).value, null);
  assertEquals(engine.store.journal.failure, null);
});

Deno.test("Engine adds no event to a task that ended while its children were made", async () => {
  const child = counted("child");
  const parent = defineTask({
    kind: "parent",
    async *run() {
      yield* children("all", [{ kind: "child" }, { kind: "child" }]);
    },
  });
  await using cluster = await Cluster.open(parent, child.task);
  const told = Promise.withResolvers<void>();
  const engine = await cluster.join({
    startProcess(_, events) {
      const process = startInline(() => Promise.resolve({ parent, child: child.task }), events);
      const send = (message: ToTasks) => {
        if (message.type === "made") told.resolve();
        process.send(message);
      };
      return { ...process, send };
    },
  });
  const { store } = engine;
  const submitted = store.submit.bind(store);
  const { promise: made, resolve: go } = Promise.withResolvers<void>();
  let making = 0;
  store.submit = async (submission) => {
    const result = await submitted(submission);
    if (submission.child) {
      making++;
      await made;
    }
    return result;
  };
  const id = await submit(engine, "parent");
  await eventually(() => assertEquals(making, 2));
  await store.cancel(id);
  const { seq } = await when(engine, id, "canceled");
  go();
  // An event about the children would be queued before the task's code is told that they are made.
  await told.promise;
  await store.journal.idle();
  assertEquals((await recordOf(engine, id)).seq, seq);
});

Deno.test("Engine fails a task whose rows the store refuses, and gives its slot to the next task", async () => {
  let refuses = false;
  const kind = defineTask({
    kind: "k",
    concurrency: 1,
    async *run({ input, signal }) {
      if (input !== undefined) return;
      refuses = true;
      yield log("too much");
      await new Promise((_, reject) => signal.addEventListener("abort", reject));
    },
  });
  await using cluster = await Cluster.open(kind);
  const kv = storeThat(cluster.kv, () => {
    const refused = refuses;
    refuses = false;
    return refused ? Promise.reject(new TypeError("Value too large")) : Promise.resolve();
  });
  const engine = await cluster.join({ kv, alone: true, leaseMs: 3600_000 });
  const first = await submit(engine, "k");
  assertEquals((await when(engine, first, "failed")).error?.name, "StoreError");
  await when(engine, await submit(engine, "k", { input: "1" }), "completed");
});
