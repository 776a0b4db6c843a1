import { assert, assertEquals, assertLess } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import {
  type Member,
  TaskPool,
  type TaskPoolOptions,
  useOf,
  USES,
} from "../../../lib/runner/task_pool.ts";
import type { TaskProcess, TaskProcessEvents } from "../../../lib/runner/task_process.ts";

/** A process that ends only when it is killed, and only when it is let. */
function stubbornHost() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: string[] = [];
  const host: TaskProcess = {
    pid: 1,
    send() {},
    sendBytes: () => Promise.resolve(),
    kill: () => (asked.push("kill"), promise),
    close: () => (asked.push("close"), promise),
  };
  return { host, asked, end: resolve };
}

function poolOf(
  hosts: TaskProcess[],
  more: Partial<TaskPoolOptions<string>> = {},
): TaskPool<string> {
  return new TaskPool<string>({
    startProcess: () => hosts.shift()!,
    processes: 0,
    concurrency: 1,
    onmessage() {},
    onprinted() {},
    ongone() {},
    onready() {},
    log: createLogger({ level: "off" }),
    ...more,
  });
}

Deno.test("TaskPool.close() kills processes that were released or killed before, and waits for them", async () => {
  const released = stubbornHost();
  const killed = stubbornHost();
  const pool = poolOf([released.host, killed.host]);
  const member = pool.pick("own");
  member.runs.set(1, "one");
  pool.release(member, 1);
  assertEquals(released.asked, ["close"]);
  pool.kill(pool.pick("own"));
  assertEquals(killed.asked, ["kill"]);

  let closed = false;
  const closing = pool.close().then(() => closed = true);
  assertEquals([released.asked, killed.asked], [["close", "kill"], ["kill", "kill"]]);
  released.end();
  await new Promise((resolve) => setTimeout(resolve));
  assert(!closed);
  killed.end();
  await closing;
});

Deno.test("TaskPool.close() does not ask again for a process that has ended", async () => {
  const { host, asked, end } = stubbornHost();
  const pool = poolOf([host]);
  const member = pool.pick("own");
  pool.release(member, 1);
  end();
  await new Promise((resolve) => setTimeout(resolve));
  await pool.close();
  assertEquals(asked, ["close"]);
});

Deno.test("TaskPool kills a process that is not ready in time, and tells of its runs", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown[]>();
  const silent = stubbornHost();
  const pool = poolOf([silent.host], {
    readyMs: 1,
    ongone: (_, because, died) => resolve([because, died]),
  });
  pool.pick("own");
  assertEquals(await promise, ["its process did not start", false]);
  assertEquals(silent.asked, ["kill"]);
  silent.end();
  await pool.close();
});

/** What a task is to {@link find}. */
interface Suspect {
  guilty: boolean;
  deaths: number;
}

/**
 * Drives tasks of which some kill their process, over and over, until each of those has died alone.
 * The innocent never end. Returns what the pool held at the most.
 */
function find(tasks: Suspect[]): { processes: number } {
  const started: TaskProcessEvents[] = [];
  const homes = new Map<Member<Suspect>, Suspect[]>();
  const pool = new TaskPool<Suspect>({
    processes: 1,
    concurrency: tasks.length,
    startProcess: (events) => {
      const { host } = stubbornHost();
      return Object.assign(host, { pid: started.push(events) - 1 });
    },
    onmessage() {},
    onprinted() {},
    ongone() {},
    onready() {},
    log: createLogger({ level: "off" }),
  });
  pool.start();
  let processes = 0;
  const held: Suspect[] = [];
  const place = (task: Suspect) => {
    const use = useOf(task.deaths);
    if (!pool.has(use)) return void held.push(task);
    const member = pool.pick(use);
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
      const { onmessage, onexit } = started[member.host.pid!]!;
      onmessage({ type: "ready", kinds: [] });
      onexit("SIGKILL");
      for (const task of runs) {
        task.deaths++;
        // Proven: it is not tried again.
        if (!(runs.length === 1 && task.deaths >= 3)) place(task);
      }
      // Of those tried alone the innocent end some time.
      for (const [member, [run]] of [...homes]) {
        if (member.use !== "own" || run!.guilty || held.length === 0) continue;
        homes.delete(member);
        pool.release(member, 0);
        place(held.shift()!);
      }
    }
  }
  void pool.close();
  return { processes };
}

for (const [count, guilty] of [[2, 1], [200, 1], [200, 3], [1000, 1], [1000, 5]] as const) {
  Deno.test(`TaskPool finds ${guilty} of ${count} tasks under which processes die, soon and with few processes`, () => {
    const tasks = Array.from({ length: count }, (_, n) => ({
      guilty: n % Math.floor(count / guilty) === 1,
      deaths: 0,
    }));
    const { processes } = find(tasks);
    assertLess(processes, 1 + 8 + 8 + 1);
    for (const task of tasks) assertLess(task.deaths, 8);
    // Most of the innocent are let alone after the first deaths.
    const often = tasks.filter(({ deaths, guilty }) => deaths > 3 && !guilty).length;
    assertLess(often, Math.max(2, count * guilty / 10));
  });
}

Deno.test("TaskPool starts nothing for a while after a process that did not come up", async () => {
  const { promise: again, resolve } = Promise.withResolvers<void>();
  const exits: ((status: string) => void)[] = [];
  const pool = poolOf([], {
    processes: 1,
    startProcess: ({ onexit }) => {
      exits.push(onexit);
      return stubbornHost().host;
    },
    onready: resolve,
  });
  pool.start();
  for (const use of USES) assert(pool.has(use));
  exits[0]!("exit code 1");
  for (const use of USES) assert(!pool.has(use), use);
  await again;
  for (const use of USES) assert(pool.has(use));
  assertEquals(exits.length, 2);
  void pool.close();
});
