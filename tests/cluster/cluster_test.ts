import { assert, assertEquals, assertGreater } from "@std/assert";
import { finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { DENOKV, type Denokv, startDenokv, testOnDenokv as test } from "../helpers/denokv.ts";
import { eventually } from "../helpers/eventually.ts";
import { timePasses } from "../helpers/deadline.ts";
import { follow } from "../helpers/follow.ts";
import { closedGate } from "../helpers/gate.ts";
import { HAS_NETWORK, openNetwork } from "../helpers/network.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { openTcpGate } from "../helpers/tcp_gate.ts";
import { assertWhole, childrenOf } from "../crash/check_children.ts";
import { checkRows } from "../crash/check_rows.ts";
import { CRASH_KINDS } from "../crash/kinds.ts";

/** Milliseconds: far more than a renewal takes, even on a very busy machine. */
const LEASE_MS = 2000;

/** Rows that take a task about two seconds. With a gate, it ends only once the gate is open. */
const SHAPE = { rows: 280, every: 7, pause_ms: 50 };

interface Cluster extends AsyncDisposable {
  store: Denokv;
  webs: ServerProcess[];
  workers: ServerProcess[];
  add(
    role: "web" | "worker",
    options?: Pick<ServerOptions, "env" | "prefix">,
  ): Promise<ServerProcess>;
}

/** Web and worker processes on one KV Connect server. */
async function startCluster(webs: number, workers: number, host?: string): Promise<Cluster> {
  await using resources = new AsyncDisposableStack();
  const store = resources.use(await startDenokv(host));
  const add: Cluster["add"] = async (role, { env, ...more } = {}) =>
    owned.use(
      await startServer({
        kv: store.url,
        kinds: CRASH_KINDS,
        env: { ...store.env, HEADWAY_ROLE: role, HEADWAY_LEASE_MS: String(LEASE_MS), ...env },
        ...more,
      }),
    );
  let owned = resources;
  const start = (role: "web" | "worker", count: number) =>
    Promise.all(Array.from({ length: count }, () => add(role)));
  const [first, second] = [await start("web", webs), await start("worker", workers)];
  owned = resources.move();
  return {
    store,
    webs: first,
    workers: second,
    add,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The ids of the processes that run these tasks. */
async function workersOf(base: string, ids: readonly string[]): Promise<Set<number>> {
  const pids = new Set<number>();
  for (const id of ids) {
    const { worker } = await (await fetch(`${base}/tasks/${id}/details`)).json();
    if (worker) pids.add(worker.pid);
  }
  return pids;
}

/** Waits until the workers know of each other, so that tasks are spread over all of them. */
async function spread(base: string, workers: number): Promise<void> {
  await eventually(async () => {
    const tasks = await Promise.all(
      Array.from({ length: 16 }, () => submit(base, "rests", { ms: 400 })),
    );
    const ids = tasks.map(({ task_id }) => task_id);
    await Promise.all(ids.map((id) => taskWhen(base, id, ({ status }) => status !== "pending")));
    assertEquals((await workersOf(base, ids)).size, workers);
  });
}

/** Follows tasks to their end on any live web process, checks every row, and counts the starts. */
async function followAll(ids: readonly string[], url: () => string | null): Promise<number> {
  const stop = new AbortController();
  let starts = 0;
  try {
    await Promise.all(ids.map(async (id) => {
      const { events } = await follow(url, id, stop.signal);
      const rows = events.filter(({ event }) => event !== "message").map(({ id, event, data }) => ({
        seq: Number(id),
        event,
        data: JSON.parse(data),
      }));
      starts += checkRows(rows, { every: SHAPE.every, count: SHAPE.rows });
    }));
  } finally {
    stop.abort();
  }
  return starts;
}

test("three web and three worker processes act as one server", async () => {
  await using cluster = await startCluster(3, 3);
  const [a, b, c] = cluster.webs.map(({ url }) => url) as [string, string, string];
  await spread(a, 3);
  const since = new Date().toISOString();
  const ids = (await Promise.all(
    Array.from({ length: 12 }, (_, n) => submit([a, b, c][n % 3]!, "numbered", SHAPE)),
  )).map(({ task_id }) => task_id);
  const canceled = await submit(a, "rests", { ms: 900_000 });
  await taskWhen(b, canceled.task_id, ({ status }) => status === "running");
  const answer = await post(`${c}/tasks/${canceled.task_id}/cancel`);
  // On a very busy machine a cancel takes longer than the two seconds for which the answer waits.
  assert(answer.status === 200 || answer.status === 202, String(answer.status));
  await answer.body?.cancel();
  const { status, by } = await finished(a, canceled.task_id);
  assertEquals([status, by], ["canceled", "anonymous"]);
  let turn = 0;
  await followAll(ids, () => [a, b, c][turn++ % 3]!);
  for (const url of [a, b, c]) {
    const { tasks } = await (await fetch(`${url}/tasks?created_after=${since}`)).json();
    assertEquals(
      tasks.map(({ task_id }: { task_id: string }) => task_id),
      [...ids, canceled.task_id].toSorted().reverse(),
    );
  }
});

test("when a worker is killed, the others continue its tasks from their checkpoints", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(1, 2);
  const base = cluster.webs[0]!.url;
  await spread(base, 2);
  const ids = (await Promise.all(
    Array.from({ length: 10 }, () => submit(base, "numbered", { ...SHAPE, gate: gate.url })),
  )).map(({ task_id }) => task_id);
  const following = followAll(ids, () => base);
  const used = new Set<number>();
  await eventually(async () => {
    for (const pid of await workersOf(base, ids)) used.add(pid);
    assertEquals(used.size, 2);
  });
  await taskWhen(base, ids[0]!, ({ done }) => (done ?? 0) > 30);
  await cluster.workers[0]!.kill();
  gate.open();
  assertGreater(await following, ids.length);
  for (const id of ids) assertEquals((await getTask(base, id)).attempt, 1);
});

test("killing a worker costs no child of a task, and a canceled task's children end with it", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(2, 2);
  const [a, b] = cluster.webs.map(({ url }) => url) as [string, string];
  await spread(a, 2);
  const held = { deep: true, gate: gate.url };
  const submits = Array.from({ length: 3 }, () => submit(a, "splits", held));
  const ids = (await Promise.all(submits)).map(({ task_id }) => task_id);
  await taskWhen(b, ids[0]!, ({ children }) => (children?.completed ?? 0) > 2);
  const canceled = await submit(b, "splits", held);
  await taskWhen(a, canceled.task_id, ({ children }) => (children?.running ?? 0) > 0);
  // No process runs the parent any longer, so its run cannot cancel the children.
  await (await post(`${a}/tasks/${canceled.task_id}/cancel`)).body?.cancel();
  await cluster.workers[0]!.kill();
  assertEquals((await finished(b, canceled.task_id)).status, "canceled");
  for (const { task_id } of await childrenOf(b, canceled.task_id)) {
    assert((await finished(b, task_id)).status !== "failed");
  }
  gate.open();
  for (const id of ids) await assertWhole(b, await finished(a, id), 12);
});

test("outputs of a killed worker's task count once when another worker continues it, for a client too", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(1, 1);
  const base = cluster.webs[0]!.url;
  const { task_id: id } = await submit(base, "puts", { gate: gate.url });
  await using stream = await openStream(`${base}/tasks/${id}/stream`, { lastEventId: "0" });
  await stream.until((it) => it.data("output").length === 4);
  await cluster.workers[0]!.kill();
  await cluster.add("worker");
  await stream.until((it) => it.data("output").length === 6);
  gate.open();
  await stream.until((it) => it.data("complete").length === 1);
  const [rewind, ...more] = stream.data("rewind");
  assertEquals(more, []);
  const known = stream.data("output");
  const taken = known.filter(({ seq }) => seq > rewind.after && seq < rewind.seq);
  assertEquals(taken.map(({ data }) => data), [3, 4]);
  const left = known.filter((row) => !taken.includes(row));
  assertEquals(left.map(({ data }) => data), [1, 2, 3, 4, 5]);
  const stored = (await storedEvents(base, id)).filter(({ event }) => event === "output");
  assertEquals(stored.map(({ data }) => data), left);
});

test("clients of a web process that is killed resume at another one, and lose nothing", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(2, 1);
  const [first, second] = cluster.webs as [ServerProcess, ServerProcess];
  const { task_id } = await submit(first.url, "numbered", { ...SHAPE, gate: gate.url });
  let url: string | null = first.url;
  const following = followAll([task_id], () => url);
  const many = await openStream(`${first.url}/tasks/stream?rows=${task_id}`);
  await many.until((it) => it.data("log").length > 20);
  await first.kill();
  await many.closed;
  url = second.url;
  gate.open();
  // A cursor of one process is valid at the other.
  await using again = await openStream(`${second.url}/tasks/stream?rows=${task_id}`, {
    lastEventId: many.lastEventId,
  });
  await again.until((it) => it.data("complete").length === 1);
  assertEquals(again.data("snapshot").length + again.data("reset").length, 0);
  const rows = [...many.data("log"), ...again.data("log")].flatMap(({ data }) => data?.row ?? []);
  assertEquals(rows, Array.from({ length: SHAPE.rows }, (_, n) => n + 1));
  assertEquals(await following, 1);
});

test("killing and restarting the store loses nothing, and no process is taken for dead", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(2, 2);
  const [first, second] = cluster.webs as [ServerProcess, ServerProcess];
  const ids = (await Promise.all(
    Array.from({ length: 6 }, () => submit(first.url, "numbered", { ...SHAPE, gate: gate.url })),
  )).map(({ task_id }) => task_id);
  const following = followAll(ids, () => second.url);
  await taskWhen(first.url, ids[0]!, ({ done }) => (done ?? 0) > 30);
  await cluster.store.kill();
  // For longer than a lease lasts, no process can renew its lease.
  await timePasses(2 * LEASE_MS);
  await cluster.store.restart();
  gate.open();
  await following;
  for (const process of [...cluster.webs, ...cluster.workers]) {
    assertEquals(process.stderr.filter((line) => /it starts over|is dead/.test(line)), []);
  }
  assertEquals(
    (await finished(
      first.url,
      (await submit(first.url, "numbered", {
        rows: 1,
      })).task_id,
    )).status,
    "completed",
  );
});

/** A connection between a worker and the store that can be cut. */
interface Way {
  options: Pick<ServerOptions, "env" | "prefix">;
  cut(): void | Promise<void>;
  heal(): void | Promise<void>;
}

test("a worker cut off from the store is fenced: another continues its tasks, and it starts over", async () => {
  await using cluster = await startCluster(1, 1);
  const { port } = new URL(cluster.store.url);
  await using gate = openTcpGate(Number(port));
  const env = { HEADWAY_KV: `http://127.0.0.1:${gate.port}` };
  await cutOff(cluster, { options: { env }, cut: gate.cut, heal: gate.heal });
});

Deno.test({
  name: "cluster: a worker on a machine that is cut off is fenced, and its late writes are refused",
  ignore: DENOKV === null || !HAS_NETWORK,
  async fn() {
    await using network = (await openNetwork())!;
    await using cluster = await startCluster(1, 1, "0.0.0.0");
    const env = { HEADWAY_KV: `http://${network.host}:${new URL(cluster.store.url).port}` };
    // The worker's connections survive: what it sent meanwhile arrives once the network is healed.
    const { prefix, cut, heal } = network;
    await cutOff(cluster, { options: { env, prefix }, cut, heal });
  },
});

async function cutOff(cluster: Cluster, { options, cut, heal }: Way): Promise<void> {
  await using gate = closedGate();
  const base = cluster.webs[0]!.url;
  const ids = (await Promise.all(
    Array.from({ length: 6 }, () => submit(base, "numbered", SHAPE)),
  )).map(({ task_id }) => task_id);
  await finished(base, ids[0]!);
  const cutOff = await cluster.add("worker", options);
  await cluster.workers[0]!.kill();
  const more = (await Promise.all(
    Array.from({ length: 6 }, () => submit(base, "numbered", { ...SHAPE, gate: gate.url })),
  )).map(({ task_id }) => task_id);
  const following = followAll(more, () => base);
  await eventually(
    async () => assertEquals(await workersOf(base, more), new Set([cutOff.process.pid])),
  );
  await taskWhen(base, more[0]!, ({ done }) => (done ?? 0) > 30);
  await cut();
  const rescue = await cluster.add("worker");
  await eventually(
    async () => assertEquals(await workersOf(base, more), new Set([rescue.process.pid])),
  );
  await heal();
  gate.open();
  assertGreater(await following, more.length);
  await eventually(() => assert(cutOff.stderr.some((line) => line.includes("it starts over"))));
  // The worker that was cut off runs tasks again.
  await rescue.kill();
  const last = await submit(base, "numbered", { rows: 7 });
  await finished(base, last.task_id);
  checkRows(await storedEvents(base, last.task_id), { every: SHAPE.every, count: 7 });
}

test("a worker that is frozen for longer than its lease is fenced when it wakes, and starts over", async () => {
  await using gate = closedGate();
  await using cluster = await startCluster(1, 2);
  const base = cluster.webs[0]!.url;
  const [asleep, awake] = cluster.workers as [ServerProcess, ServerProcess];
  await spread(base, 2);
  const ids = (await Promise.all(
    Array.from({ length: 8 }, () => submit(base, "numbered", { ...SHAPE, gate: gate.url })),
  )).map(({ task_id }) => task_id);
  const following = followAll(ids, () => base);
  await taskWhen(base, ids[0]!, ({ done }) => (done ?? 0) > 30);
  asleep.process.kill("SIGSTOP");
  try {
    await eventually(
      () =>
        assert([...cluster.webs, awake].some(({ stderr }) => /is dead/.test(stderr.join("\n")))),
    );
  } finally {
    asleep.process.kill("SIGCONT");
    gate.open();
  }
  assertGreater(await following, ids.length);
  await eventually(() => assert(/it starts over/.test(asleep.stderr.join("\n"))));
  await awake.kill();
  const { task_id } = await submit(base, "numbered", { rows: 7 });
  assertEquals((await finished(base, task_id)).attempt, 1);
});

test("a signal reaches its task through any web process, even after a worker was killed", async () => {
  await using cluster = await startCluster(2, 2);
  const [one, other] = cluster.webs.map(({ url }) => url) as [string, string];
  const ids = (await Promise.all(Array.from({ length: 8 }, () => submit(one, "draws"))))
    .map(({ task_id }) => task_id);
  // The first signals come early, the others while their task waits.
  const send = async (base: string, id: string) => {
    const response = await post(`${base}/tasks/${id}/signals/go`, id);
    await response.body?.cancel();
    assertEquals(response.status, 200);
  };
  await Promise.all(ids.slice(0, 3).map((id) => send(other, id)));
  for (const id of ids.slice(3)) {
    await taskWhen(other, id, ({ waiting_for }) => waiting_for?.name === "go");
  }
  await cluster.workers[0]!.kill();
  await Promise.all(ids.slice(3).map((id, n) => send(n % 2 ? one : other, id)));
  for (const id of ids) {
    const { status, result, attempt } = await finished(one, id);
    assertEquals([status, (result as { brought: string }).brought, attempt], ["completed", id, 1]);
  }
  const { task_id } = await submit(one, "draws");
  await taskWhen(one, task_id, ({ waiting_for }) => waiting_for?.name === "go");
  const canceled = await post(`${other}/tasks/${task_id}/cancel`);
  assertEquals((await canceled.json()).status, "canceled");
});
