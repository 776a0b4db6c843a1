import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import type { Checked } from "../../../lib/child/check_input.ts";
import type { FromTasks, ToTasks } from "../../../lib/child/protocol.ts";
import { UncheckedError } from "../../../lib/runner/checks.ts";
import { FakeTimers } from "../../helpers/fake_timers.ts";
import { HANG_MS } from "../../helpers/deadline.ts";
import { eventually } from "../../helpers/eventually.ts";
import { TaskPool, type TaskPoolOptions } from "../../../lib/runner/task_pool.ts";
import { type Member, useOf, USES } from "../../../lib/runner/member.ts";
import { restartDelay } from "../../../lib/runner/restarts.ts";
import type { TaskProcess, TaskProcessEvents } from "../../../lib/runner/task_process.ts";

const READY: FromTasks = { type: "ready", kinds: [] };

/** A process that notes what is asked of it, and ends only when the test calls `end()`. */
function stubbornProcess() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: string[] = [];
  const sent: ToTasks[] = [];
  const process: TaskProcess = {
    pid: 1,
    traces: false,
    send: (message) => void sent.push(message),
    sendBytes: () => Promise.resolve(),
    kill: () => (asked.push("kill"), promise),
    close: () => (asked.push("close"), promise),
  };
  return { process, asked, sent, end: resolve };
}

function poolOf<Run = string>(
  processes: TaskProcess[],
  more: Partial<TaskPoolOptions<Run>> = {},
): TaskPool<Run> {
  return new TaskPool<Run>({
    startProcess: (events) => {
      queueMicrotask(() => events.onmessage(READY));
      return processes.shift()!;
    },
    processes: 0,
    concurrency: 1,
    name: "./tasks.ts",
    onmessage() {},
    onprinted() {},
    ongone() {},
    onready() {},
    onfailed() {},
    onroom() {},
    log: createLogger({ level: "off" }),
    ...more,
  });
}

/** Waits until the messages and promises under way are handled. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("TaskPool.close() kills processes that were released or killed before, and waits for them", async () => {
  const released = stubbornProcess();
  const killed = stubbornProcess();
  const pool = poolOf([released.process, killed.process]);
  pool.has("own", 2);
  await quiet();
  const member = pool.pick("own");
  pool.enter(member, 1, "one");
  pool.release(member, 1);
  assertEquals(released.asked, ["close"]);
  pool.kill(pool.pick("own"));
  assertEquals(killed.asked, ["kill"]);

  let closed = false;
  const closing = pool.close().then(() => closed = true);
  assertEquals([released.asked, killed.asked], [["close", "kill"], ["kill", "kill"]]);
  released.end();
  await quiet();
  assert(!closed);
  killed.end();
  await closing;
});

Deno.test("TaskPool.close() lets a tracing process end by itself, but kills it if it has a run", async () => {
  const [idle, busy] = [stubbornProcess(), stubbornProcess()];
  const traced = [idle, busy].map(({ process }) => ({ ...process, traces: true }));
  const pool = poolOf([...traced], { processes: 2 });
  pool.start();
  await quiet();
  const closing = pool.close(new Set([traced[1]!]));
  assertEquals([idle.asked, busy.asked], [["close"], ["kill"]]);
  idle.end();
  busy.end();
  await closing;
});

Deno.test("TaskPool.close() does not kill a process that has ended", async () => {
  const { process, asked, end } = stubbornProcess();
  const pool = poolOf([process]);
  pool.has("own");
  await quiet();
  const member = pool.pick("own");
  pool.enter(member, 1, "one");
  pool.release(member, 1);
  end();
  await quiet();
  await pool.close();
  assertEquals(asked, ["close"]);
});

Deno.test("TaskPool gives no run to a process before it is ready, and kills one that loads for too long", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const silent = stubbornProcess();
  const pool = poolOf([], {
    processes: 1,
    loadMs: 1,
    startProcess: () => silent.process,
    onfailed: ({ reason }) => resolve(reason),
  });
  pool.start();
  for (const use of USES) assert(!pool.has(use), use);
  assertEquals(await promise, "it was not loaded within 0.001 s");
  assertEquals(silent.asked[0], "kill");
  silent.end();
  await pool.close();
});

Deno.test("TaskPool keeps a process that was loaded while the server stood still", async () => {
  using timers = new FakeTimers();
  const loading = stubbornProcess();
  let events: TaskProcessEvents;
  const pool = poolOf([], {
    processes: 1,
    startProcess: (its) => {
      events = its;
      return loading.process;
    },
  });
  pool.start();
  await timers.pass(59_000);
  await timers.standStill(3600_000);
  events!.onmessage(READY);
  assert(pool.has("shared"));
  assertEquals([loading.asked, timers.waiting], [[], 0]);
  void pool.close();
});

/** A task for {@link find}: whether it kills its process, and how often its process died. */
interface Suspect {
  guilty: boolean;
  deaths: number;
}

/**
 * Runs tasks of which some kill their process, again and again, until each of those has died alone.
 * The innocent end only where they run alone and others wait. Returns the most processes at once.
 */
async function find(tasks: Suspect[]): Promise<{ processes: number }> {
  const started: TaskProcessEvents[] = [];
  const homes = new Map<Member<Suspect>, Suspect[]>();
  const pool = poolOf<Suspect>([], {
    processes: 1,
    concurrency: tasks.length,
    startProcess: (events) => {
      const { process } = stubbornProcess();
      queueMicrotask(() => events.onmessage(READY));
      return Object.assign(process, { pid: started.push(events) - 1 });
    },
  });
  pool.start();
  await quiet();
  let processes = 0;
  let number = 0;
  const held: Suspect[] = [];
  /** Places the tasks that wait for a process. */
  const drive = async () => {
    for (const use of USES) {
      const waiting = held.filter(({ deaths }) => useOf(deaths) === use);
      if (waiting.length === 0) continue;
      pool.has(use, waiting.length);
      await quiet();
      for (const task of waiting) held.splice(held.indexOf(task), 1);
      waiting.forEach(place);
    }
  };
  const place = (task: Suspect) => {
    const use = useOf(task.deaths);
    if (!pool.has(use)) return void held.push(task);
    const member = pool.pick(use);
    pool.enter(member, number++, task);
    homes.set(member, [...homes.get(member) ?? [], task]);
    processes = Math.max(processes, pool.size);
  };
  tasks.forEach(place);
  for (let died = true; died;) {
    died = false;
    for (const [member, runs] of [...homes]) {
      if (!runs.some(({ guilty }) => guilty)) continue;
      died = true;
      homes.delete(member);
      started[member.process.pid!]!.onexit("SIGKILL", "");
      for (const task of runs) {
        task.deaths++;
        // It died alone, so it is the cause: it is not run again.
        if (!(runs.length === 1 && task.deaths >= 3)) place(task);
      }
      // Innocent tasks that run alone end at some time.
      for (const [member, [run]] of [...homes]) {
        if (member.use !== "own" || run!.guilty || held.length === 0) continue;
        homes.delete(member);
        pool.release(member, member.runs.keys().next().value!);
        await drive();
      }
    }
    await drive();
  }
  void pool.close();
  return { processes };
}

for (const [count, guilty] of [[2, 1], [200, 1], [200, 3], [1000, 1], [1000, 5]] as const) {
  Deno.test(`TaskPool finds ${guilty} of ${count} tasks that kill their process, with few deaths and processes`, async () => {
    const tasks = Array.from({ length: count }, (_, n) => ({
      guilty: n % Math.floor(count / guilty) === 1,
      deaths: 0,
    }));
    const { processes } = await find(tasks);
    assertLess(processes, 1 + 8 + 8 + 1);
    for (const task of tasks) assertLess(task.deaths, 8);
    // Few innocent tasks have more than three deaths.
    const often = tasks.filter(({ deaths, guilty }) => deaths > 3 && !guilty).length;
    assertLess(often, Math.max(2, count * guilty / 10));
  });
}

Deno.test("restartDelay() doubles up to a cap, with jitter", () => {
  const delays = [1, 2, 3, 6, 7, 100].map((n) => restartDelay(n, 1000, () => 0.5));
  assertEquals(delays, [1000, 2000, 4000, 32_000, 60_000, 60_000]);
  assertEquals([restartDelay(1, 1000, () => 0), restartDelay(1, 1000, () => 1)], [750, 1250]);
});

Deno.test("TaskPool waits before it replaces a process that failed to start, and says why it failed", async () => {
  const rooms: (() => void)[] = [];
  const started: TaskProcessEvents[] = [];
  const failures: string[] = [];
  const pool = poolOf([], {
    processes: 1,
    restartMs: 1,
    startProcess: (events) => {
      started.push(events);
      return stubbornProcess().process;
    },
    onfailed: ({ reason }) => failures.push(reason),
    onroom: () => rooms.shift()?.(),
  });
  pool.start();
  for (let n = 1; n <= 3; n++) {
    const { promise: again, resolve } = Promise.withResolvers<void>();
    rooms.push(resolve);
    started.at(-1)!.onexit("exit code 1", "warning\nerror: unexpected argument\nusage");
    for (const use of USES) assert(!pool.has(use, 3), use);
    assertEquals(started.length, n);
    await again;
    assertEquals(started.length, n + 1);
  }
  started.at(-1)!.onmessage(READY);
  assert(pool.has("shared"));
  const reason = "its process ended (exit code 1): error: unexpected argument";
  assertEquals(failures, [reason, reason, reason]);
  // A process that ends before it ran anything is not replaced at once, either.
  started.at(-1)!.onexit("SIGKILL", "");
  assertEquals(started.length, 4);
  void pool.close();
});

Deno.test("TaskPool refuses messages before a process is ready, and a second `ready` or a `failed` after it", () => {
  let events: TaskProcessEvents | undefined;
  const pool = poolOf([], {
    processes: 1,
    startProcess: (its) => {
      events = its;
      return stubbornProcess().process;
    },
  });
  pool.start();
  assertThrows(() => events!.onmessage({ type: "batch", events: [] }), SyntaxError);
  events!.onmessage(READY);
  for (const again of [READY, { ...READY, type: "failed", reason: "", stack: "" } as const]) {
    assertThrows(() => events!.onmessage(again), SyntaxError);
  }
  void pool.close();
});

/** A pool whose processes are ready, the checks that each is asked for, and a way to answer. */
function checking(checkMs: number) {
  const processes: (ReturnType<typeof stubbornProcess> & { events: TaskProcessEvents })[] = [];
  const pool = poolOf([], {
    processes: 1,
    checkMs,
    startProcess: (events) => {
      const process = { ...stubbornProcess(), events };
      processes.push(process);
      queueMicrotask(() => events.onmessage(READY));
      return process.process;
    },
  });
  pool.start();
  // Without pings, which have the number 0.
  const asksOf = (n: number) =>
    (processes[n]?.sent ?? []).filter((it) => it.type === "check" && it.request > 0) as Extract<
      ToTasks,
      { type: "check" }
    >[];
  const answer = (n: number, checked: Checked) => {
    const { request } = asksOf(n).at(-1)!;
    processes[n]!.events.onmessage({ type: "checked", request, checked });
  };
  return { pool, processes, asksOf, answer };
}

const FITS = { input: '{"n":1}', parsed: true };

Deno.test("TaskPool.check() asks a process that runs tasks, and a spare one if the first is busy", async () => {
  const { pool, processes, asksOf, answer } = checking(HANG_MS);
  const quick = pool.check("k", "{}");
  await quiet();
  assertEquals(processes.length, 1);
  answer(0, FITS);
  assertEquals(await quick, FITS);

  const slow = pool.check("k", "{}");
  await eventually(() => assertEquals(asksOf(1).length, 1));
  answer(1, FITS);
  assertEquals(await slow, FITS);
  // A late answer is ignored.
  answer(0, FITS);
  void pool.close();
});

Deno.test("TaskPool.check() asks another process if the one that it asked has ended", async () => {
  const { pool, processes, answer } = checking(HANG_MS);
  await quiet();
  const asked = pool.check("k", "{}");
  // A process that ran something is replaced at once.
  pool.pick("shared").entries++;
  processes[0]!.events.onexit("SIGKILL", "");
  await quiet();
  assertEquals(processes[1]!.sent.length, 1);
  answer(1, FITS);
  assertEquals(await asked, FITS);
  void pool.close();
});

Deno.test("TaskPool.check() fails if no answer comes in time, the pool closes, or too many inputs wait", async () => {
  const late = checking(1);
  await assertRejects(() => late.pool.check("k", "{}"), UncheckedError);
  void late.pool.close();
  const { pool, processes } = checking(HANG_MS);
  const waiting = Array.from({ length: 16 }, () => pool.check("k", "x".repeat(1024 * 1023)));
  assertThrows(() => pool.check("k", "x".repeat(1024 * 1024)), UncheckedError);
  processes.forEach(({ end }) => end());
  await pool.close();
  for (const asked of waiting) await assertRejects(() => asked, UncheckedError);
});

Deno.test("TaskPool.check() replaces processes that hang at an input, and has other inputs checked", async () => {
  using timers = new FakeTimers();
  const { pool, processes, asksOf, answer } = checking(5000);
  const endless = pool.check("k", "{}").catch((error) => error);
  await quiet();
  // A spare process is asked after a second, and hangs at the input, too.
  await timers.pass(1000);
  await quiet();
  assertEquals([asksOf(0).length, asksOf(1).length], [1, 1]);
  const other = pool.check("k", '{"n":1}');
  await quiet();
  await timers.pass(4250);
  assertEquals((await endless) instanceof UncheckedError, true);
  assertEquals([processes[0]!.asked, processes[1]!.asked], [["kill"], ["kill"]]);
  await quiet();
  const last = processes.length - 1;
  assertEquals(asksOf(last).map(({ input }) => input), ['{"n":1}']);
  answer(last, FITS);
  assertEquals(await other, FITS);
  processes.forEach(({ end }) => end());
  await pool.close();
});

Deno.test("TaskPool.check() does not kill a process that is busy with tasks if a spare one answers", async () => {
  using timers = new FakeTimers();
  const { pool, processes, asksOf, answer } = checking(5000);
  const checked = pool.check("k", "{}");
  await quiet();
  await timers.pass(2000);
  await quiet();
  assertEquals(asksOf(1).length, 1);
  answer(1, FITS);
  assertEquals(await checked, FITS);
  await timers.pass(10_000);
  assertEquals(processes[0]!.asked, []);
  processes.forEach(({ end }) => end());
  await pool.close();
});
