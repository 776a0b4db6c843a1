/**
 * A process dies at any point between a write to the journal and its fold: the process that takes
 * over its tasks has every row once and in order, the last checkpoint, and ids that nobody saw
 * before.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { Hub } from "../../../lib/feed/hub.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { Reaper } from "../../../lib/cluster/reaper.ts";
import { Session } from "../../../lib/cluster/session.ts";
import type { LiveTask } from "../../../lib/store/live_task.ts";
import { Store } from "../../../lib/store/store.ts";
import { EPOCH } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const log = createLogger({ level: "off" });

/** A process: its session, hub and store, put together as an engine does. */
async function openProcess(kv: Deno.Kv, sid: string) {
  const info = { host: "h", pid: 1, role: "all", started_at: "" };
  const session = await Session.open(kv, sid, info, 60_000);
  const hub = await Hub.open({ kv, sid, epoch: EPOCH, log });
  const shown: number[] = [];
  hub.listen("all", ({ event }) => {
    if (event.seq > 0 && event.type !== "cancel") shown.push(event.seq);
  });
  const store = new Store({
    kv,
    sid,
    log,
    maxChecks: 100,
    session: () => session.check(),
    oncommit: (versionstamp, events, size) => hub.pass(versionstamp, sid, events, size),
    show: (event) => hub.show(event),
    heads: new Heads(kv, hub.pending),
  });
  return {
    sid,
    store,
    hub,
    session,
    shown,
    async [Symbol.asyncDispose]() {
      session[Symbol.dispose]();
      store[Symbol.dispose]();
      await store.journal.giveUp();
      await hub[Symbol.asyncDispose]();
    },
  };
}

type Process = Awaited<ReturnType<typeof openProcess>>;

async function startTask({ store, sid }: Pick<Process, "store" | "sid">): Promise<LiveTask> {
  let live!: LiveTask;
  store.onpending = (it) => live = it;
  const spec = { kind: "k", maxAttempts: 3, priority: 0, runAt: 0, timeoutMs: null, input: null };
  await store.submit(spec);
  live.change({ type: "start", owner: sid });
  await live.committed();
  return live;
}

/** Takes over the tasks of dead processes, as a server alone on its store does at its start. */
async function takeOver({ store, hub }: Process): Promise<void> {
  const reaper = new Reaper({ store, hub, leaseMs: 60_000, log });
  await reaper.start(true);
  await reaper.stop();
}

/** The rows of a task as a reader gets them: from its own keys and the journal. */
async function rowsOf({ store }: Process, id: string) {
  return (await store.heads.rows(id, 0, 1000))!.rows;
}

const POINTS = ["journal", "fold", "folded", "shown"] as const;

for (const point of POINTS) {
  Deno.test(`Reaper.start() recovers a task whose process died at: ${point}`, async () => {
    using kv = await Deno.openKv(":memory:");
    let dead = false;
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => {});
    // Once the process is dead, none of its commits arrives, and none is answered.
    const mortal = kvWith(kv, {
      atomic: () => {
        const atomic = kv.atomic();
        const commit = atomic.commit.bind(atomic);
        atomic.commit = () => dead ? gone.promise : commit();
        return atomic;
      },
    });
    const first = await openProcess(mortal, "first");
    const live = await startTask(first);
    for (let n = 1; n <= 3; n++) {
      live.rows.add("output", `{"n":${n}}`);
      live.rows.save(`${n}`);
      live.report({ at: n, progress: n });
      await live.committed();
    }
    if (point === "folded" || point === "shown") {
      live.fold();
      await live.committed();
    }
    if (point === "shown") live.report({ at: 9, progress: 9 });
    dead = true;
    // What is in flight when the process dies is lost.
    live.rows.add("output", '{"n":4}');
    if (point === "fold") live.fold();
    const stored = (await kv.get(keys.checkpoint(live.id))).value;
    assertEquals(stored !== null, point === "folded" || point === "shown");
    const last = Math.max(...first.shown);
    await using second = await openProcess(kv, "second");
    // Readers find everything even before the reaper runs.
    const seqs = (await rowsOf(second, live.id)).map(({ seq }) => seq);
    assertEquals(await second.store.heads.checkpoint(live.id), "3");
    await takeOver(second);
    const rows = await rowsOf(second, live.id);
    assertEquals(rows.filter(({ type }) => type === "output").map(({ json }) => json), [
      '{"seq":3,"n":1}',
      '{"seq":6,"n":2}',
      '{"seq":9,"n":3}',
    ]);
    assertEquals(rows.slice(0, seqs.length).map(({ seq }) => seq), seqs);
    assertEquals(rows.map(({ type }) => type).slice(-2), ["log", "message"]);
    assertGreater(rows[seqs.length]!.seq, last);
    assertEquals(await second.store.heads.checkpoint(live.id), "3");
    const head = (await second.store.heads.get(live.id))!;
    assertEquals([head.owner, head.checkpointed, head.rows, head.outputs], [null, true, 4, 3]);
    const { progress, status } = JSON.parse(head.record);
    assertEquals([progress, status], [3, "pending"]);
    // By now everything is in the task's own keys.
    assertEquals(second.hub.pending.get(live.id), undefined);
    const alone = new Heads(kv);
    assertEquals((await alone.rows(live.id, 0, 1000))!.rows, rows);
    gone.reject(new Error("closed"));
    await first[Symbol.asyncDispose]();
  });
}

Deno.test("Reaper.start() recovers each row once, even if the process that recovered it dies as well", async () => {
  using kv = await Deno.openKv(":memory:");
  const first = await openProcess(kv, "first");
  const live = await startTask(first);
  live.rows.add("output", '{"n":1}');
  live.rows.save("1");
  await live.committed();
  await first.store.journal.giveUp();
  const second = await openProcess(kv, "second");
  await takeOver(second);
  // The second process ran the task on, and died before it folded anything.
  await second.store.withTask(live.id, (it) => {
    it.change({ type: "start", owner: "second" });
    it.rows.add("output", '{"n":2}');
    it.rows.save("2");
  });
  await second.store.journal.idle();
  await second.store.withTask(live.id, (it) => it.rows.add("output", '{"n":3}'));
  await second.store.journal.idle();
  await second.store.journal.giveUp();
  await using third = await openProcess(kv, "third");
  await takeOver(third);
  const rows = await rowsOf(third, live.id);
  const outputs = rows.filter(({ type }) => type === "output").map(({ json }) =>
    JSON.parse(json).n
  );
  assertEquals(outputs, [1, 2, 3]);
  assert(rows.every(({ seq }, n) => n === 0 || seq > rows[n - 1]!.seq));
  assertEquals(await third.store.heads.checkpoint(live.id), "2");
  const { rows: count, outputs: of } = (await third.store.heads.get(live.id))!;
  assertEquals([count, of], [5, 3]);
  for (const process of [first, second]) await process[Symbol.asyncDispose]();
});

Deno.test("Hub.open() finds the unfolded rows of live and dead sessions, however old they are", async () => {
  using kv = await Deno.openKv(":memory:");
  await using quiet = await openProcess(kv, "quiet");
  await using busy = await openProcess(kv, "busy");
  const live = await startTask(quiet);
  live.rows.add("output", '{"n":1}');
  await live.committed();
  // This task stands still. The other session writes on, and its renewal says what it has folded.
  const other = await startTask(busy);
  for (let n = 0; n < 50; n++) {
    other.rows.add("log", `{"n":${n}}`);
    await other.committed();
  }
  other.fold();
  await other.committed();
  busy.session.keep(busy.store.journal, () => busy.hub.pending.oldest ?? busy.hub.position);
  busy.store.journal.touch(busy.session);
  await busy.store.journal.idle();
  await using hub = await Hub.open({ kv, sid: "new", epoch: EPOCH, log });
  assertEquals(hub.pending.get(live.id)?.rows.map(({ json }) => json), ['{"seq":3,"n":1}']);
  assertEquals(hub.pending.get(other.id), undefined);
  // The session is taken for dead, and its tasks are not yet returned.
  await kv.atomic().delete(keys.session("quiet"))
    .set(keys.dead("quiet"), { renewed_at: null, unfolded: hub.pending.oldest! }).commit();
  await using later = await Hub.open({ kv, sid: "later", epoch: EPOCH, log });
  assertEquals(later.pending.get(live.id)?.rows.length, 1);
});

Deno.test("Store keeps a task's rows when it refuses a later one that is too large, even if the hub lags", async () => {
  using kv = await Deno.openKv(":memory:");
  let level = Promise.resolve();
  const late = kvWith(kv, {
    list: async function* (...args: Parameters<Deno.Kv["list"]>) {
      await level;
      yield* kv.list(...args);
    } as unknown as Deno.Kv["list"],
  });
  const hub = await Hub.open({ kv: late, sid: "me", epoch: EPOCH, log });
  const heads = new Heads(kv, hub.pending);
  const read = Promise.withResolvers<void>();
  const withState = heads.withState.bind(heads);
  heads.withState = (id) => withState(id).finally(read.resolve);
  const store = new Store({
    kv,
    sid: "me",
    log,
    heads,
    caughtUp: () => hub.caughtUp(),
  });
  const refused = Promise.withResolvers<void>();
  store.onrefused = () => refused.resolve();
  const live = await startTask({ store, sid: "me" });
  await hub.caughtUp();
  const lag = Promise.withResolvers<void>();
  level = lag.promise;
  live.rows.add("output", '{"n":1}');
  live.rows.save("1");
  await live.committed();
  live.rows.add("output", `{"n":"${"x".repeat(300_000)}"}`);
  await refused.promise;
  const error = { name: "E", message: "m" };
  const failed = store.withTask(live.id, (it) => {
    it.change({ type: "fail", error, retryAfterMs: null });
  });
  // Code that did not wait for the hub would go on with what this read returns.
  await read.promise;
  lag.resolve();
  await failed;
  await store.journal.idle();
  await hub.caughtUp();
  const { rows } = (await store.heads.rows(live.id, 0, 100))!;
  assertEquals(rows.map(({ type }) => type), [
    "message",
    "message",
    "output",
    "message",
    "complete",
  ]);
  assert(rows.every(({ seq }, n) => n === 0 || seq > rows[n - 1]!.seq));
  assertEquals(await store.heads.checkpoint(live.id), "1");
  store[Symbol.dispose]();
  await store.journal.close();
  await hub[Symbol.asyncDispose]();
});
