import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { TaskPool, type TaskPoolOptions } from "../../../lib/runner/task_pool.ts";
import type { TaskProcess } from "../../../lib/runner/task_process.ts";

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
  const member = pool.pick(true);
  member.runs.set(1, "one");
  pool.release(member, 1);
  assertEquals(released.asked, ["close"]);
  pool.kill(pool.pick(true));
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
  const member = pool.pick(true);
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
  pool.pick(true);
  assertEquals(await promise, ["its process did not start", false]);
  assertEquals(silent.asked, ["kill"]);
  silent.end();
  await pool.close();
});
