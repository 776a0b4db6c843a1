import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import type { TaskRecord } from "headway";
import { start } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import type { Server } from "../../lib/server.ts";
import { finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { HANG_MS, timePasses } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { follow } from "../helpers/follow.ts";
import { closedGate } from "../helpers/gate.ts";
import { childrenOf, isAlive } from "../helpers/processes.ts";
import { seededRandom } from "../helpers/random.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { checkRows } from "./check_rows.ts";
import { CRASH_KINDS } from "./kinds.ts";

/** `HEADWAY_SEED` repeats a run, as far as a random kill can be repeated. */
const SEED = Number(Deno.env.get("HEADWAY_SEED") ?? Math.floor(Math.random() * 2 ** 32));

const KILLS = 20;

/** Adds the seed to a failure. */
async function withSeed(test: () => Promise<void>): Promise<void> {
  try {
    await test();
  } catch (cause) {
    throw new Error(`HEADWAY_SEED=${SEED}: ${String(cause)}`, { cause });
  }
}

Deno.test(`a server that is killed ${KILLS} times under load loses nothing and repeats nothing`, () =>
  withSeed(async () => {
    await using directory = await tempDir();
    const kv = `${directory.path}/test.db`;
    const random = seededRandom(SEED);
    const shape = { rows: 420, every: 7, pause_ms: 10 };
    let url: string | null = null;
    let number = 0;
    /** The ids of accepted tasks, by Idempotency-Key. */
    const accepted = new Map<string, string>();
    /** Idempotency-Keys of submits without an answer, which are sent again. */
    const unanswered: string[] = [];
    const stop = new AbortController();
    const clients: { id: string; following: ReturnType<typeof follow> }[] = [];

    const send = async (base: string) => {
      const key = unanswered.shift() ?? `key-${++number}`;
      try {
        const body = { kind: "numbered", input: shape };
        const response = await post(`${base}/tasks`, body, { "idempotency-key": key });
        const { task_id } = await response.json();
        assert(response.status === 201 || response.status === 200, `${response.status}`);
        accepted.set(key, task_id);
        if (clients.length < 12 && accepted.size % 3 === 0) {
          clients.push({ id: task_id, following: follow(() => url, task_id, stop.signal) });
        }
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        unanswered.push(key);
      }
    };
    let server: ServerProcess | undefined;
    try {
      for (let round = 0; round < KILLS; round++) {
        server = await startServer({ kv, kinds: CRASH_KINDS });
        const base = url = server.url;
        let alive = true;
        const loading = (async () => {
          // On a very busy machine four tasks may end with fewer events than the feed waits for.
          for (let sent = 0; alive && sent < 40; sent++) {
            await send(base);
            await timePasses(sent < 4 ? 200 * random() : 2000);
          }
        })();
        // The events until the kill, from the first one to many: few of them half of the time.
        const seen = 1 + 100 * random() ** 2;
        await using feed = await openStream(`${base}/tasks/stream`);
        await feed.until((it) => it.events.length >= seen);
        alive = false;
        url = null;
        await server.kill();
        await loading;
      }
      server = await startServer({ kv, kinds: CRASH_KINDS });
      url = server.url;
      while (unanswered.length > 0) await send(url);

      const base = url;
      let restarts = 0;
      for (const id of accepted.values()) {
        const record = await finished(base, id);
        assertEquals([record.status, record.attempt], ["completed", 1]);
        restarts += checkRows(await storedEvents(base, id), { every: 7, count: shape.rows }) - 1;
      }
      assertGreater(restarts, KILLS);
      // No key made two tasks, and there is no task that no answer named.
      const listed = await (await fetch(`${base}/tasks?limit=500`)).json();
      assertEquals(
        new Set(listed.tasks.map(({ task_id }: TaskRecord) => task_id)),
        new Set(accepted.values()),
      );
      let connections = 0;
      for (const { id, following } of clients) {
        const client = await following;
        connections += client.connections;
        const kept = (await storedEvents(base, id)).filter(({ event }) => event !== "message");
        const got = client.events.filter(({ event }) => event !== "message");
        assertEquals(
          got.map(({ id, event }) => `${id} ${event}`),
          kept.map(({ seq, event }) => `${seq} ${event}`),
        );
        assertEquals(got.map(({ data }) => JSON.parse(data)), kept.map(({ data }) => data));
      }
      assertGreater(connections, clients.length + 5);
    } finally {
      stop.abort();
      url = null;
      await Promise.allSettled(clients.map(({ following }) => following));
      await server?.kill();
    }
  }));

Deno.test("a server that was killed continues its tasks when it starts, without waiting for a lease", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const options = { kv, kinds: CRASH_KINDS, env: { HEADWAY_LEASE_MS: "3600000" } };
  await using first = await startServer(options);
  const shape = { rows: 10_000, every: 1, pause_ms: 20 };
  const tasks = await Promise.all(
    Array.from({ length: 20 }, () => submit(first.url, "numbered", shape)),
  );
  for (const { task_id } of tasks) {
    await taskWhen(first.url, task_id, ({ done }) => (done ?? 0) >= 5);
  }
  await first.kill();
  await using second = await startServer(options);
  // Each task runs again, and makes progress.
  const before = await Promise.all(tasks.map(({ task_id }) => getTask(second.url, task_id)));
  for (const { task_id, done } of before) {
    await taskWhen(second.url, task_id, (now) => now.status === "running" && now.done! > done!);
  }
});

Deno.test("SIGTERM in the middle of tasks keeps every row and uses no attempt", async () => {
  await using directory = await tempDir();
  const options = { kv: `${directory.path}/test.db`, kinds: CRASH_KINDS };
  await using gate = closedGate();
  const shape = { rows: 600, every: 3, pause_ms: 20, gate: gate.url };
  await using first = await startServer(options);
  const tasks = await Promise.all(
    Array.from({ length: 10 }, () => submit(first.url, "numbered", shape)),
  );
  const delayed = await submit(first.url, "numbered", { rows: 1 }, { delay_ms: 1500 });
  for (const { task_id } of tasks) {
    await taskWhen(first.url, task_id, ({ done }) => (done ?? 0) >= 6);
  }
  const { success } = await first.kill("SIGTERM");
  assert(success);
  await using second = await startServer(options);
  gate.open();
  for (const { task_id } of tasks) {
    const record = await finished(second.url, task_id);
    assertEquals([record.status, record.attempt], ["completed", 1]);
    const starts = checkRows(await storedEvents(second.url, task_id), { every: 3, count: 600 });
    assertEquals(starts, 2);
  }
  assertEquals((await finished(second.url, delayed.task_id)).status, "completed");
});

Deno.test("a second server on the same file does not start, and says what to do", async () => {
  await using first = await startServer({ kinds: CRASH_KINDS });
  const error = await assertRejects(() => startServer({ kv: first.kv, kinds: CRASH_KINDS }), Error);
  assert(error.message.includes(`${first.kv} is in use by another Headway`), error.message);
  assert(error.message.includes("HEADWAY_KV"));
  const { task_id } = await submit(first.url, "numbered", { rows: 1 });
  assertEquals((await finished(first.url, task_id)).status, "completed");
});

Deno.test({
  name: "task processes end when their server is killed",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = await startServer({
      kinds: CRASH_KINDS,
      env: { HEADWAY_TASK_PROCESSES: "2" },
    });
    const { task_id } = await submit(server.url, "numbered", { rows: 1e6, pause_ms: 20 });
    await taskWhen(server.url, task_id, ({ done }) => (done ?? 0) >= 7);
    const pids = await childrenOf(server.process.pid);
    assertEquals(pids.length, 2);
    await server.kill();
    for (const pid of pids) {
      await eventually(async () => assertEquals(await isAlive(pid), false));
    }
  },
});

Deno.test({
  name: "a task process ends when its server is killed, even if a task blocks it for good",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using gate = closedGate();
    await using server = await startServer({ kinds: CRASH_KINDS });
    const { task_id } = await submit(server.url, "loops", { gate: gate.url }, {
      timeout_ms: 600_000,
    });
    await taskWhen(server.url, task_id, ({ message }) => message === "loops");
    gate.open();
    const [pid] = await childrenOf(server.process.pid);
    await server.kill();
    // Long before the loop ends by itself.
    await eventually(async () => assertEquals(await isAlive(pid!), false));
  },
});

/** A server in this process, whose tasks run in task processes. */
async function local(
  kv: string,
  killAfterMs = 200,
  environment = () => Deno.env.toObject(),
): Promise<Server> {
  const settings: Record<string, string> = {
    HEADWAY_PORT: "0",
    HEADWAY_KV: kv,
    HEADWAY_KINDS: CRASH_KINDS,
    HEADWAY_LOG: "off",
  };
  const options = { killAfterMs, graceMs: 2000, cancelWaitMs: HANG_MS, environment };
  return await start(readConfig((name) => settings[name]), options);
}

/** Waits until the server has noticed that a task lost its process. */
async function interrupted({ url }: Server, id: string): Promise<void> {
  await eventually(async () => {
    const rows = await storedEvents(url, id);
    assert(rows.some(({ data }) => data.message?.startsWith("Interrupted: ")));
  });
}

Deno.test("a task process that is killed costs its tasks no attempt", async () => {
  await using gate = closedGate();
  await using server = await local(":memory:");
  const shape = { rows: 700, every: 7, pause_ms: 10, gate: gate.url };
  const tasks = await Promise.all(
    Array.from({ length: 10 }, () => submit(server.url, "numbered", shape)),
  );
  for (const { task_id } of tasks) {
    await taskWhen(server.url, task_id, ({ done }) => (done ?? 0) >= 14);
  }
  const [pid] = server.engine.runner!.pids;
  Deno.kill(pid!, "SIGKILL");
  for (const { task_id } of tasks) await interrupted(server, task_id);
  gate.open();
  for (const { task_id } of tasks) {
    const record = await finished(server.url, task_id);
    assertEquals([record.status, record.attempt], ["completed", 1]);
    const rows = await storedEvents(server.url, task_id);
    assertEquals(checkRows(rows, { every: 7, count: 700 }), 2);
    const told = rows.find(({ data }) => data.message?.startsWith("Interrupted: "));
    assertEquals(told?.data.level, "warn");
  }
});

Deno.test("a task that never yields again times out; the tasks beside it continue from their checkpoints", async () => {
  await using gate = closedGate();
  await using server = await local(":memory:");
  const shape = { rows: 700, every: 7, pause_ms: 10, gate: gate.url };
  const tasks = await Promise.all(
    Array.from({ length: 5 }, () => submit(server.url, "numbered", shape)),
  );
  for (const { task_id } of tasks) {
    await taskWhen(server.url, task_id, ({ done }) => (done ?? 0) >= 14);
  }
  const { task_id } = await submit(server.url, "loops");
  const late = await finished(server.url, task_id);
  assertEquals([late.status, late.error?.name], ["failed", "TimeoutError"]);
  for (const { task_id } of tasks) await interrupted(server, task_id);
  gate.open();
  for (const { task_id } of tasks) {
    const record = await finished(server.url, task_id);
    assertEquals([record.status, record.attempt], ["completed", 1]);
    assertEquals(checkRows(await storedEvents(server.url, task_id), { every: 7, count: 700 }), 2);
  }
});

Deno.test("a cancel kills a task that never yields again", async () => {
  await using gate = closedGate();
  await using server = await local(":memory:");
  const { task_id } = await submit(server.url, "loops", { gate: gate.url }, {
    timeout_ms: 600_000,
  });
  await taskWhen(server.url, task_id, ({ message }) => message === "loops");
  gate.open();
  const answer = await post(`${server.url}/tasks/${task_id}/cancel`);
  assertEquals(await answer.json(), { task_id, status: "canceled" });
  assertEquals((await finished(server.url, task_id)).status, "canceled");
  const next = await submit(server.url, "numbered", { rows: 1 });
  assertEquals((await finished(server.url, next.task_id)).status, "completed");
});

Deno.test("a task that takes all memory fails as ProcessDied; the tasks beside it complete", async () => {
  // A small heap, so that it does not take long. It is set for these task processes alone, since
  // test files that run at the same time share the environment of this process.
  const small = () => ({ ...Deno.env.toObject(), DENO_V8_FLAGS: "--max-old-space-size=48" });
  await using server = await local(":memory:", 200, small);
  // More tasks than may run alone at once, and none of them has a checkpoint.
  const tasks = await Promise.all(
    Array.from({ length: 12 }, () => submit(server.url, "rests", { ms: 3000 })),
  );
  const { task_id } = await submit(server.url, "hoards");
  const record = await finished(server.url, task_id);
  assertEquals([record.status, record.error?.name], ["failed", "ProcessDied"]);
  for (const { task_id } of tasks) {
    const { status, attempt } = await finished(server.url, task_id);
    assertEquals([status, attempt], ["completed", 1]);
  }
  const health = await fetch(`${server.url}/healthz`);
  assertEquals(await health.json(), { status: "ok" });
});

Deno.test("a task that tries to end its process fails, whichever way it tries; no other task is interrupted", async () => {
  await using server = await local(":memory:");
  const rests = await Promise.all(
    Array.from({ length: 20 }, () => submit(server.url, "rests", { ms: 2000 })),
  );
  const ways = ["Deno.exit", "process.exit", "process.abort", "Deno.kill", "process.kill"];
  for (const by of ways) {
    for (const when of ["now", "caught", "later"]) {
      const { task_id } = await submit(server.url, "exits", { by, when });
      const { status, attempt, error } = await finished(server.url, task_id);
      assertEquals([status, attempt, error?.name], ["failed", 1, "ExitError"], `${by} ${when}`);
    }
  }
  for (const { task_id } of rests) {
    const { status, attempt } = await finished(server.url, task_id);
    assertEquals([status, attempt], ["completed", 1]);
    const rows = await storedEvents(server.url, task_id);
    assertEquals(rows.filter(({ event }) => event === "log"), []);
  }
});

Deno.test("tasks that kill their process fail after a few deaths each; the tasks beside them complete", async () => {
  await using server = await local(":memory:");
  const rests = [];
  const kills = [];
  for (let n = 0; n < 60; n++) {
    rests.push(await submit(server.url, "rests", { ms: 1000 }));
    if (n % 20 === 10) kills.push(await submit(server.url, "kills"));
  }
  const deaths = async (id: string) => {
    const rows = await storedEvents(server.url, id);
    const told = rows.flatMap(({ data }) => data.message?.match(/^Interrupted: .*/) ?? []);
    // Another task may have killed the process before this one began.
    return told.filter((message) => !message.includes("before it began")).length;
  };
  for (const { task_id } of kills) {
    const { status, attempt, error } = await finished(server.url, task_id);
    assertEquals([status, attempt, error?.name], ["failed", 1, "ProcessDied"]);
    assertLess(await deaths(task_id), 8);
  }
  for (const { task_id } of rests) {
    const { status, attempt } = await finished(server.url, task_id);
    assertEquals([status, attempt], ["completed", 1]);
  }
});
