import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { finished, post, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/kinds.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";

// deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
async function details(base: string, id: string): Promise<any> {
  const response = await fetch(`${base}/tasks/${id}/details`);
  assertEquals(response.status, 200);
  return await response.json();
}

Deno.test("GET /tasks/{id}/details has the input of a running task and the process that runs it", async () => {
  await using app = await testApp();
  const input = { gate: "details", rows: 2 };
  const { task_id } = await submit(app.url, "gated", input, { timeout_ms: 60_000 });
  await taskWhen(app.url, task_id, ({ message }) => message === "waits");
  const { worker, trace, ...rest } = await details(app.url, task_id);
  assertEquals(rest, {
    task_id,
    status: "running",
    input,
    checkpoint: null,
    timeout_ms: 60_000,
    webhooks: 0,
    interruptions: 0,
    lease_ms: 3000,
    unavailable: null,
    waits_for: null,
    signal_schema: null,
    queue_position: null,
    expected_start: null,
    stack: null,
  });
  const { store } = app.engine;
  assertEquals([worker.session, worker.pid, worker.role, worker.silent_ms], [
    store.sid,
    Deno.pid,
    "all",
    0,
  ]);
  assertEquals([trace.attempt, trace.points[0].slice(1)], [1, [0, null]]);
  openGate("details");
  await finished(app.url, task_id);
  assertEquals((await details(app.url, task_id)).worker, null);
});

Deno.test("GET /tasks/{id}/details has an input too large for the head, and the last checkpoint", async () => {
  await using app = await testApp();
  const large = { text: "é".repeat(4000) };
  const echo = await submit(app.url, "echo", large);
  assertEquals((await details(app.url, echo.task_id)).input, large);
  const { task_id } = await submit(app.url, "steps", { steps: 10_000, interval_ms: 10 });
  await eventually(async () => {
    assertGreater((await details(app.url, task_id)).checkpoint?.step, 1);
  });
  await (await post(`${app.url}/tasks/${task_id}/cancel`)).body?.cancel();
  await assertProblem(await fetch(`${app.url}/tasks/${"0".repeat(26)}/details`), 404);
});

Deno.test("GET /tasks/{id}/details has a trace of the task's progress, also after its end", async () => {
  await using app = await testApp();
  const later = await submit(app.url, "staged", {}, { delay_ms: 3_600_000 });
  assertEquals((await details(app.url, later.task_id)).trace, null);
  const { task_id } = await submit(app.url, "staged", { rows: 60, interval_ms: 30 });
  const { started_at, finished_at } = await finished(app.url, task_id);
  const { attempt, points, stages } = (await details(app.url, task_id)).trace;
  const times: number[] = points.map(([at]: [number]) => at);
  assertEquals(attempt, 1);
  assertEquals(points[0], [Date.parse(started_at!), 0, null]);
  assertGreater(times.length, 3);
  assertEquals(times, times.toSorted((one, other) => one - other));
  assertGreater(Date.parse(finished_at!) + 1, times.at(-1)!);
  assertGreater(points.at(-1)![2], points[1][2]);
  assertEquals(stages.map(([, name]: [number, string]) => name), ["read", "write"]);
});

Deno.test("GET /tasks/{id}/details has a pending task's queue position and expected start", async () => {
  await using app = await testApp({ HEADWAY_CONCURRENCY: "1" });
  openGate("queue-before");
  const before = [];
  for (let n = 0; n < 3; n++) {
    before.push(await submit(app.url, "gated", { gate: "queue-before" }));
  }
  for (const { task_id } of before) await finished(app.url, task_id);
  const first = await submit(app.url, "gated", { gate: "queue" });
  await taskWhen(app.url, first.task_id, ({ status }) => status === "running");
  const waiting = [];
  for (let n = 0; n < 3; n++) waiting.push(await submit(app.url, "gated", { gate: "queue" }));
  const urgent = await submit(app.url, "gated", { gate: "queue" }, { priority: 9 });
  const delayed = await submit(app.url, "gated", { gate: "queue" }, { delay_ms: 3_600_000 });
  const positions = await Promise.all(
    [...waiting, urgent, delayed, first].map(async ({ task_id }) =>
      (await details(app.url, task_id)).queue_position
    ),
  );
  assertEquals(positions, [2, 3, 4, 1, null, null]);
  const expected = [];
  for (const { task_id } of [urgent, ...waiting]) {
    expected.push((await details(app.url, task_id)).expected_start);
  }
  assertEquals(expected, expected.toSorted());
  assertGreater(Date.parse(expected[0]), Date.parse(urgent.created_at));
  assertEquals((await details(app.url, delayed.task_id)).expected_start, delayed.run_at);
  assertEquals((await details(app.url, first.task_id)).expected_start, null);
  // No task of this kind has ended, so only the first in its queue has an expected start.
  const alone = await submit(app.url, "ticker", {}, { delay_ms: 3_600_000 });
  const behind = await submit(app.url, "ticker", {}, { delay_ms: 7_200_000 });
  const told = [alone, behind].map(async ({ task_id }) =>
    (await details(app.url, task_id)).expected_start
  );
  assertEquals(await Promise.all(told), [alone.run_at, null]);
  openGate("queue");
  for (const { task_id } of [first, urgent, ...waiting]) await finished(app.url, task_id);
});

Deno.test("GET /tasks/{id}/details has the stack of an error only for callers who may admin all tasks", async () => {
  const [admin, reader] = ["admin-secret-0123456789", "reader-secret-0123456789"];
  const tokens = `a:read+submit+admin:${admin},r:read:${reader}`;
  await using app = await testApp({ HEADWAY_TOKENS: tokens });
  const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
  const response = await post(`${app.url}/tasks`, { kind: "throws", input: {} }, as(admin).headers);
  const { task_id } = await response.json();
  const details = async (secret: string) =>
    await (await fetch(`${app.url}/tasks/${task_id}/details`, as(secret))).json();
  await eventually(async () => assertEquals((await details(admin)).status, "failed"));
  const { stack } = await details(admin);
  assertStringIncludes(stack, "RangeError: It broke\n    at ");
  assertEquals((await details(reader)).stack, null);
});

Deno.test("GET /tasks/counts counts tasks by status, of all kinds or of one", async () => {
  await using app = await testApp();
  const counts = async (query = "") =>
    await (await fetch(`${app.url}/tasks/counts${query}`)).json();
  const none = {
    pending: 0,
    running: 0,
    waiting: 0,
    completed: 0,
    failed: 0,
    canceled: 0,
    limit: 10_000,
  };
  assertEquals(await counts(), none);
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push((await submit(app.url, "echo", n)).task_id);
  ids.push((await submit(app.url, "throws", {})).task_id);
  await submit(app.url, "echo", 0, { delay_ms: 3_600_000 });
  for (const id of ids) await finished(app.url, id);
  await eventually(async () =>
    assertEquals(await counts(), { ...none, pending: 1, completed: 3, failed: 1 })
  );
  assertEquals(await counts("?kind=echo"), { ...none, pending: 1, completed: 3 });
  assertEquals(await counts("?kind=nothing"), none);
  await assertProblem(await fetch(`${app.url}/tasks/counts?kind=No%20kind`), 400);
});

Deno.test("POST /tasks/bulk cancels, retries or deletes many tasks, and reports on each", async () => {
  await using app = await testApp();
  const bulk = async (action: string, ids: string[]) => {
    const response = await post(`${app.url}/tasks/bulk`, { action, ids });
    assertEquals(response.status, 200);
    return (await response.json()).results;
  };
  const later = { delay_ms: 3_600_000 };
  const ids = (await Promise.all(
    Array.from({ length: 250 }, () => submit(app.url, "echo", 1, later)),
  )).map(({ task_id }) => task_id);
  const missing = "0".repeat(26);
  const canceled = await bulk("cancel", [...ids, missing, ids[0]!]);
  assertEquals(canceled, [
    ...ids.map((task_id) => ({ task_id, ok: true, status: "canceled" })),
    { task_id: missing, ok: false, error: `There is no task ${missing}` },
  ]);
  const [again] = await bulk("cancel", ids.slice(0, 1));
  assertEquals([again.ok, again.status], [false, "canceled"]);
  const retried = await bulk("retry", ids.slice(0, 5));
  assertEquals(retried.map(({ ok }: { ok: boolean }) => ok), Array(5).fill(true));
  for (const id of ids.slice(0, 5)) await finished(app.url, id);
  const deleted = await bulk("delete", ids);
  assertEquals(deleted.every(({ ok }: { ok: boolean }) => ok), true);
  assertEquals((await (await fetch(`${app.url}/tasks`)).json()).tasks, []);
});

Deno.test("POST /tasks/bulk refuses an invalid body, and names the field", async () => {
  await using app = await testApp();
  const id = "0".repeat(26);
  const wrong: [body: unknown, field: string | undefined, status: number][] = [
    [{ ids: [id] }, "action", 400],
    [{ action: "toString", ids: [id] }, "action", 400],
    [{ action: "cancel" }, "ids", 400],
    [{ action: "cancel", ids: [] }, "ids", 400],
    [{ action: "cancel", ids: [7] }, "ids", 400],
    [{ action: "cancel", ids: Array(1001).fill(id) }, "ids", 400],
    [{ action: "cancel", ids: ["no id"] }, undefined, 404],
    [null, "body", 400],
  ];
  for (const [body, field, status] of wrong) {
    const problem = await assertProblem(await post(`${app.url}/tasks/bulk`, body), status);
    assertEquals(problem.field, field, JSON.stringify(body));
  }
});

Deno.test("GET /tasks selects by created_after and created_before", async () => {
  await using app = await testApp();
  const ids: string[] = [];
  const times: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { task_id, created_at } = await submit(app.url, n === 1 ? "says" : "echo", { texts: [] });
    ids.push(task_id);
    times.push(created_at);
    await eventually(() => assertGreater(Date.now(), Date.parse(created_at)));
  }
  const page = async (query: string) => {
    const { tasks } = await (await fetch(`${app.url}/tasks?${query}`)).json();
    return tasks.map(({ task_id }: { task_id: string }) => ids.indexOf(task_id));
  };
  assertEquals(await page(`created_after=${times[1]}`), [2, 1]);
  assertEquals(await page(`created_before=${times[1]}`), [0]);
  assertEquals(await page(`created_after=${times[1]}&created_before=${times[2]}`), [1]);
  assertEquals(await page(`created_after=${times[1]}&kind=echo`), [2]);
  assertEquals(await page(`created_before=${times[2]}&kind=echo`), [0]);
  assertEquals(await page(`created_before=${times[2]}&cursor=${ids[1]}`), [0]);
  for (const wrong of ["yesterday", "2026", "2026-13-01T00:00:00Z", "+275000-01-01T00:00Z"]) {
    const query = `created_after=${encodeURIComponent(wrong)}`;
    const problem = await assertProblem(await fetch(`${app.url}/tasks?${query}`), 400);
    assertEquals(problem.field, "created_after");
  }
});
