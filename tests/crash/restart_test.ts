import { assert, assertEquals, assertGreater } from "@std/assert";
import { getTask, submit, taskWhen } from "../helpers/api.ts";
import { follow } from "../helpers/follow.ts";
import { closedGate } from "../helpers/gate.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";
import { assertDoneOnce, assertSawAll } from "./watcher.ts";

const RESTARTS = 4;

Deno.test("a server that is restarted again and again loses no row, and does no work twice", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const options = {
    kv: `${directory.path}/test.db`,
    kinds: CRASH_KINDS,
    env: { HEADWAY_DRAIN_MS: "20000" },
  };
  const shape = { rows: 300, every: 10, pause_ms: 100 };
  const stop = new AbortController();
  let url: string | null = null;
  const clients: { id: string; following: ReturnType<typeof follow> }[] = [];
  try {
    for (let life = 0; life < RESTARTS; life++) {
      await using server = await startServer(options);
      url = server.url;
      for (let n = 0; n < 5; n++) {
        const { task_id } = await submit(server.url, "numbered", {
          ...shape,
          // At least one of the tasks is running when the server is restarted.
          ...(n === 4 ? { gate: gate.url } : {}),
        });
        clients.push({ id: task_id, following: follow(() => url, task_id, stop.signal) });
      }
      await taskWhen(server.url, clients.at(-1)!.id, ({ done }) => (done ?? 0) > 20);
      const { code } = await server.kill("SIGTERM");
      url = null;
      assertEquals(code, 0, server.stderr.join("\n"));
      assertEquals(server.stderr.filter((line) => line.includes('"level":"error"')), []);
    }
    gate.open();
    await using server = await startServer(options);
    url = server.url;
    let starts = 0;
    let connections = 0;
    for (const { id, following } of clients) {
      const seen = await following;
      connections += seen.connections;
      starts += await assertDoneOnce(server.url, id, shape);
      await assertSawAll(server.url, id, seen);
    }
    assertGreater(starts, clients.length);
    assertGreater(connections, clients.length);
  } finally {
    stop.abort();
    url = null;
    await Promise.allSettled(clients.map(({ following }) => following));
  }
});

Deno.test("SIGTERM ends a server with code 0, though one task has no checkpoint and another does not stop", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const env = { HEADWAY_DRAIN_MS: "1000" };
  await using first = await startServer({ kv, env });
  const ids: string[] = [];
  for (const [kind, input] of [["ticker", {}], ["ignores-cancel", undefined]] as const) {
    const { task_id } = await submit(first.url, kind, input);
    await taskWhen(first.url, task_id, ({ message }) => message !== null);
    ids.push(task_id);
  }
  const { code } = await first.kill("SIGTERM");
  assertEquals(code, 0, first.stderr.join("\n"));
  await using second = await startServer({ kv, env });
  for (const id of ids) {
    const { status, attempt } = await getTask(second.url, id);
    assert(status === "pending" || status === "running", status);
    assert(attempt <= 1, String(attempt));
  }
});
