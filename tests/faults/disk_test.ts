import { assert, assertEquals, assertRejects } from "@std/assert";
import { finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { HAS_SMALL_DISK, smallDisk } from "./small_disk.ts";

if (!HAS_SMALL_DISK) {
  // deno-lint-ignore no-console -- a test that is left out must be seen
  console.warn("a small disk cannot be mounted here (root on Linux): its tests are left out");
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !HAS_SMALL_DISK, fn });
}

test("on a full disk reads and streams go on and writes get 503; with room again, nothing is lost", async () => {
  await using gate = closedGate();
  await using disk = (await smallDisk(8))!;
  await using server = await startServer({ kv: `${disk.path}/test.db` });
  const input = { steps: 300, interval_ms: 10, gate: gate.url };
  const { task_id } = await submit(server.url, "steps", input);
  await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`, {
    lastEventId: "0",
  });
  await stream.until((it) => it.data("log").length > 20);
  await disk.fill();
  await eventually(async () => {
    const ready = await fetch(`${server.url}/readyz`);
    assertEquals([ready.status, await ready.json()], [503, {
      status: "the store takes no writes",
    }]);
  });
  await eventually(async () => {
    const refused = await post(`${server.url}/tasks`, { kind: "echo" });
    const { error } = await assertProblem(refused, 503);
    assertEquals(error, "This server takes no writes now: try again in a moment");
    assertEquals(refused.headers.get("retry-after"), "1");
  });
  await assertProblem(await post(`${server.url}/tasks/${task_id}/cancel`), 503);
  const upload = await fetch(`${server.url}/uploads`, { method: "POST", body: "x".repeat(5e5) });
  await assertProblem(upload, 503);
  assertEquals((await getTask(server.url, task_id)).status, "running");
  assertEquals(stream.ended, false);

  gate.open();
  await disk.free();
  await eventually(async () => {
    const ready = await fetch(`${server.url}/readyz`);
    assertEquals((await ready.json()).status, "ok");
  });
  const { status, attempt } = await finished(server.url, task_id);
  assertEquals([status, attempt], ["completed", 1]);
  const seen = await stream.all();
  // What had waited comes at once, and may be too much for the stream's queue: the client resumes.
  while (seen.at(-1)!.event !== "complete") {
    const lastEventId = seen.at(-1)!.id;
    await using next = await openStream(`${server.url}/tasks/${task_id}/stream`, { lastEventId });
    assert((await next.all()).length > 0);
    seen.push(...next.events);
  }
  const steps = Array.from({ length: 300 }, (_, n) => `step ${n + 1}`);
  const logs = seen.filter(({ event }) => event === "log");
  assertEquals(logs.map(({ data }) => JSON.parse(data).message), steps);
  const stored = (await storedEvents(server.url, task_id)).filter(({ event }) => event === "log");
  assertEquals(stored.map(({ data }) => data.message), steps);
  assertEquals(
    (await finished(server.url, (await submit(server.url, "echo", 1)).task_id)).result,
    1,
  );
});

test("a start on a read-only disk fails with one sentence that names the file", async () => {
  await using disk = (await smallDisk(8))!;
  const kv = `${disk.path}/test.db`;
  {
    await using server = await startServer({ kv });
    const { task_id } = await submit(server.url, "echo", 1);
    await finished(server.url, task_id);
  }
  await disk.setReadOnly(true);
  const { message } = await assertRejects(() => startServer({ kv }), Error);
  const said = message.split("\n").filter((line) => line.startsWith("headway: "));
  assertEquals(said.length, 1, message);
  assert(said[0]!.includes(kv), said[0]!);
  await disk.setReadOnly(false);
  await using server = await startServer({ kv });
  const { task_id } = await submit(server.url, "echo", 2);
  await taskWhen(server.url, task_id, ({ status }) => status === "completed");
});

const MiB = 1024 * 1024;

/** Sends an upload without a Content-Length. */
async function sendUpload(base: string, bytes: number): Promise<Response> {
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(new Uint8Array(64 * 1024));
      left -= 64 * 1024;
    },
  });
  return await fetch(`${base}/uploads`, { method: "POST", body });
}

async function assertWorks(server: ServerProcess): Promise<void> {
  const { task_id } = await submit(server.url, "echo", 1);
  assertEquals((await finished(server.url, task_id)).result, 1);
}

for (const count of [1, 3]) {
  test(`${count} upload(s) of 40 MiB to a disk of 24 MiB get 507 and leave nothing, and writes go on`, async () => {
    await using disk = (await smallDisk(24))!;
    const kv = `${disk.path}/test.db`;
    await using server = await startServer({
      kv,
      env: { HEADWAY_MIN_FREE: String(8 * MiB) },
    });
    const sent = Array.from({ length: count }, () => sendUpload(server.url, 40 * MiB));
    for (const response of await Promise.all(sent)) {
      const { error, bound } = await assertProblem(response, 507) as Record<string, unknown>;
      assertEquals(bound, 8 * MiB);
      assertEquals(
        error,
        `There is no room for this upload: ${8 * MiB} bytes of the server's disk must stay free`,
      );
      await assertWorks(server);
    }
    // The space is free within the file once SQLite has moved its log into the file.
    await eventually(async () => {
      const fits = await sendUpload(server.url, 6 * MiB);
      assertEquals([fits.status, (await fits.json()).size], [201, 6 * MiB]);
    });
    await server.kill("SIGTERM");
    using store = await Deno.openKv(kv);
    const chunks = await Array.fromAsync(store.list<Uint8Array>({ prefix: ["piece"] }));
    assertEquals(chunks.reduce((sum, { value }) => sum + value.length, 0), 6 * MiB);
    assertEquals(await Array.fromAsync(store.list({ prefix: ["arriving"] })), []);
  });
}

test("with HEADWAY_MIN_FREE=0 an upload that fills the disk is removed as soon as there is room", async () => {
  await using disk = (await smallDisk(24))!;
  const kv = `${disk.path}/test.db`;
  await disk.fill();
  await disk.leave(10 * MiB);
  await using server = await startServer({ kv, env: { HEADWAY_MIN_FREE: "0" } });
  const response = await sendUpload(server.url, 40 * MiB);
  assert(response.status === 503 || response.status === 507, `${response.status}`);
  await response.body?.cancel();
  await disk.free();
  await eventually(async () => {
    const fits = await sendUpload(server.url, 12 * MiB);
    await fits.body?.cancel();
    assertEquals(fits.status, 201);
  });
});

test("a start on a full disk succeeds, or fails with one sentence that names the file and the disk", async () => {
  await using disk = (await smallDisk(24))!;
  const kv = `${disk.path}/test.db`;
  await disk.fill();
  await assertFull();
  await disk.free();
  {
    await using server = await startServer({ kv });
    for (let n = 0; n < 40; n++) {
      const { task_id } = await submit(server.url, "steps", { steps: 1e6, interval_ms: 50 });
      if (n === 39) await taskWhen(server.url, task_id, ({ done }) => (done ?? 0) > 3);
    }
  }
  // From no room at all to room to begin, but not to put back the tasks that ran.
  for (const left of [0, 8, 32, 64]) {
    await disk.fill();
    await disk.leave(left * 1024);
    await assertFullOrReady();
    await disk.free();
  }
  await using server = await startServer({ kv });
  await assertWorks(server);

  /** The file and its log may have room for all that a start writes: then the start is complete. */
  async function assertFullOrReady(): Promise<void> {
    const server = await startServer({ kv }).catch((error: Error) => error);
    if (server instanceof Error) return assertSaid(server.message);
    await using _ = server;
    assertEquals((await fetch(`${server.url}/healthz`).then((it) => it.json())).status, "ok");
    const { tasks } = await fetch(`${server.url}/tasks`).then((it) => it.json());
    assertEquals(tasks.length, 40);
  }

  async function assertFull(): Promise<void> {
    const { message } = await assertRejects(() => startServer({ kv }), Error);
    assertSaid(message);
  }

  function assertSaid(message: string): void {
    const said = message.split("\n").filter((line) => line.startsWith("headway: "));
    assertEquals(said.length, 1, message);
    assert(said[0]!.includes(kv) && said[0]!.includes(`the disk at ${disk.path} (`), said[0]!);
    assert(said[0]!.endsWith("is full. Make room there, and start again"), said[0]!);
  }
});
