import { assert, assertEquals, assertRejects } from "@std/assert";
import { finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { HAS_SMALL_DISK, smallDisk } from "./small_disk.ts";

if (!HAS_SMALL_DISK) {
  // deno-lint-ignore no-console -- a test that is left out must be seen
  console.warn("a small disk cannot be mounted here (root on Linux): its tests are left out");
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !HAS_SMALL_DISK, fn });
}

test("a full disk: reads and streams go on, writes get 503, and nothing is lost once there is room", async () => {
  await using disk = (await smallDisk(8))!;
  await using server = await startServer({ kv: `${disk.path}/test.db` });
  const { task_id } = await submit(server.url, "steps", { steps: 300, interval_ms: 10 });
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
  }, { timeout: 30_000 });
  await assertProblem(await post(`${server.url}/tasks/${task_id}/cancel`), 503);
  const upload = await fetch(`${server.url}/uploads`, { method: "POST", body: "x".repeat(5e5) });
  await assertProblem(upload, 503);
  assertEquals((await getTask(server.url, task_id)).status, "running");
  assertEquals(stream.ended, false);

  await disk.free();
  await eventually(async () => {
    const ready = await fetch(`${server.url}/readyz`);
    assertEquals((await ready.json()).status, "ready");
  });
  const { status, attempt } = await finished(server.url, task_id);
  assertEquals([status, attempt], ["completed", 1]);
  const seen = await stream.all();
  // What had waited comes at once, and may be more than waits for a reader: it resumes.
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

test("a disk that turns read-only, and a server that starts on it: one sentence each", async () => {
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
