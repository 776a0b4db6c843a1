import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { keys } from "../../lib/kv/keys.ts";
import { ROUTES } from "../../routes/mod.ts";
import {
  type EventRow,
  finished,
  getTask,
  post,
  storedEvents,
  submit,
  taskWhen,
} from "../helpers/api.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

/** Ids that no task has, and texts that are not ids. */
const NO_TASK = ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "%00", "%2e%2e%2f", "1".repeat(3000)];

Deno.test("routes of a task answer 404 if there is no such task", async () => {
  await using app = await testApp();
  const routes = ROUTES.flatMap(([path, methods]) =>
    path.startsWith("/tasks/:id") ? Object.keys(methods).map((method) => ({ path, method })) : []
  );
  for (const id of NO_TASK) {
    // No name in a path is that long.
    const says = id.length > 1024 ? /^There is nothing at / : /^There is no task /;
    for (const { path, method } of routes) {
      const at = app.url + path.replace(":id", id).replace(/:\w+/, "1");
      const body = method === "PATCH" ? { body: '{"keep":60000}' } : {};
      const { error } = await assertProblem(await fetch(at, { method, ...body }), 404);
      assertMatch(error, says, `${method} ${at.slice(0, 200)}`);
    }
  }
});

Deno.test("GET /tasks/{id} takes an id in lower case, and HEAD sends no body", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", "x");
  const end = await finished(app.url, task_id);
  assertEquals(await getTask(app.url, task_id.toLowerCase()), end);
  const head = await fetch(`${app.url}/tasks/${task_id}`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  assert(head.headers.has("etag"));
});

Deno.test("GET /tasks/{id} has an ETag that changes with the task, and answers 304 until then", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const { task_id } = await submit(app.url, "gated", { gate });
  await taskWhen(app.url, task_id, (it) => it.message === "waits");
  const url = `${app.url}/tasks/${task_id}`;
  const get = async (etag?: string) => {
    const response = await fetch(url, etag ? { headers: { "if-none-match": etag } } : {});
    return {
      status: response.status,
      etag: response.headers.get("etag")!,
      text: await response.text(),
    };
  };
  const first = await get();
  assertMatch(first.etag, /^"[!#-~]+"$/);
  for (const same of [first.etag, `W/${first.etag}`, `"x", ${first.etag}`, "*"]) {
    assertEquals(await get(same), { status: 304, etag: first.etag, text: "" });
  }
  assertEquals((await get('"x"')).status, 200);
  openGate(gate);
  await finished(app.url, task_id);
  const last = await get(first.etag);
  assertEquals(last.status, 200);
  assertNotEquals(last.etag, first.etag);
  assertEquals((JSON.parse(last.text) as TaskRecord).result, "let through");
});

Deno.test("GET /tasks/{id}/events pages through logs, outputs and status changes in order", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "says", { texts: ["a", "b"] });
  await finished(app.url, task_id);
  const all = await storedEvents(app.url, task_id);
  assertEquals(all.map(({ event }) => event), [
    "message",
    "message",
    "log",
    "output",
    "log",
    "output",
    "message",
    "complete",
  ]);
  const of = (event: string) => all.filter((it) => it.event === event).map(({ data }) => data);
  assertEquals(of("message").map(({ status }) => status), ["pending", "running", "completed"]);
  assertEquals(of("log").map(({ message, data }) => [message, data]), [["a", { a: "a" }], [
    "b",
    { b: "b" },
  ]]);
  assertEquals(of("output").map(({ data }) => data), [{ a: "a" }, { b: "b" }]);
  assertEquals(of("complete"), [{ task_id, status: "completed", result: { texts: ["a", "b"] } }]);
  const seqs = all.map(({ seq }) => seq);
  assertEquals(seqs, seqs.toSorted((a, b) => a - b));
  for (const limit of [1, 2, 3, 7, 8, 9]) {
    assertEquals(await storedEvents(app.url, task_id, limit), all, `limit ${limit}`);
  }
  // What the stream sends is what is stored.
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream?last_event_id=0`);
  await stream.all();
  assertEquals(
    stream.events.map(({ id, event, data }): EventRow => ({
      seq: Number(id),
      event,
      data: JSON.parse(data),
    })),
    all,
  );
  const get = async (query: string) =>
    await fetch(`${app.url}/tasks/${task_id}/events?${query}`).then((it) => it.json());
  assertEquals(await get("limit=8"), { events: all, next_after: null, trimmed: 0 });
  assertEquals((await get("limit=7")).next_after, all[6]!.seq);
  assertEquals(await get("after=999999"), { events: [], next_after: null, trimmed: 0 });
  for (const query of ["after=x", "after=-1", "limit=0", "limit=1001", "limit=x"]) {
    const response = await fetch(`${app.url}/tasks/${task_id}/events?${query}`);
    assertEquals((await assertProblem(response, 400)).field, query.split("=")[0]);
  }
});

Deno.test("POST /tasks/{id}/cancel cancels a pending task at once", async () => {
  await using app = await testApp();
  const later = { delay_ms: 3_600_000 };
  const { task_id } = await submit(app.url, "echo", null, later);
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  await stream.collect(1);
  const response = await post(`${app.url}/tasks/${task_id}/cancel`);
  assertEquals([response.status, await response.json()], [200, { task_id, status: "canceled" }]);
  await stream.all();
  assertEquals(stream.data("complete"), [{ task_id, status: "canceled", result: null }]);
  const record = await getTask(app.url, task_id);
  assertEquals([record.status, record.attempt, record.started_at], ["canceled", 0, null]);
  const again = await assertProblem(await post(`${app.url}/tasks/${task_id}/cancel`), 409);
  assertEquals([again.task_status, again.task_id], ["canceled", task_id]);
});

Deno.test("POST /tasks/{id}/cancel waits until a running task has ended, for each of several callers", async () => {
  await using app = await testApp({}, { cancelWaitMs: HANG_MS });
  const { task_id } = await submit(app.url, "waits");
  await taskWhen(app.url, task_id, (it) => it.message === "waits");
  // A cancel that comes a moment too late gets 409, with the status that it asks for.
  const answers = await Promise.all(Array.from({ length: 5 }, async () => {
    const response = await post(`${app.url}/tasks/${task_id}/cancel`);
    if (response.status === 409) return (await assertProblem(response, 409)).task_status;
    assertEquals(response.status, 200);
    const { status, ...rest } = await response.json();
    assertEquals(rest, { task_id });
    return `now ${status}`;
  }));
  assert(answers.includes("now canceled"));
  assertEquals(new Set(answers.map((it) => String(it).replace("now ", ""))), new Set(["canceled"]));
  const record = await getTask(app.url, task_id);
  assertEquals([record.cancel_requested, record.error, record.result], [true, null, null]);
});

Deno.test("POST /tasks/{id}/cancel answers 409 with the status for a finished task", async () => {
  await using app = await testApp();
  for (const [kind, status] of [["echo", "completed"], ["throws", "failed"]] as const) {
    const { task_id } = await submit(app.url, kind, {});
    await finished(app.url, task_id);
    const problem = await assertProblem(await post(`${app.url}/tasks/${task_id}/cancel`), 409);
    assertEquals([problem.task_status, problem.task_id], [status, task_id]);
    assertMatch(problem.error, new RegExp(`is ${status}`));
  }
});

Deno.test("POST /tasks/{id}/cancel answers 202 if the task ignores it; its process is killed, others resume", async () => {
  await using gate = closedGate();
  await using app = await testApp({}, { inline: false, killAfterMs: 2500, cancelWaitMs: 1 });
  const other = await submit(app.url, "steps", { steps: 400, gate: gate.url });
  const deaf = await submit(app.url, "ignores-cancel");
  await taskWhen(app.url, deaf.task_id, (it) => it.message === "deaf");
  const response = await post(`${app.url}/tasks/${deaf.task_id}/cancel`);
  assertEquals([response.status, await response.json()], [202, {
    task_id: deaf.task_id,
    status: "running",
    cancel_requested: true,
  }]);
  const end = await finished(app.url, deaf.task_id);
  assertEquals([end.status, end.cancel_requested, end.error], ["canceled", true, null]);
  gate.open();
  const rest = await finished(app.url, other.task_id);
  assertEquals([rest.status, rest.attempt, rest.result], ["completed", 1, { steps: 400 }]);
  const logs = (await storedEvents(app.url, other.task_id))
    .filter(({ event }) => event === "log").map(({ data }) => data.message as string);
  assertEquals(logs.filter((message) => /^Interrupted: /.test(message)).length, 1);
  assertEquals(logs.filter((message) => /^Resumed /.test(message)).length, 1);
  const steps = logs.filter((message) => /^step /.test(message));
  assertEquals([...new Set(steps)].length, 400);
});

Deno.test("the process of a canceled task in a busy loop is killed, and its stream ends with a complete event", async () => {
  await using gate = closedGate();
  await using app = await testApp({}, { inline: false, killAfterMs: 2500, cancelWaitMs: 1 });
  const { task_id } = await submit(app.url, "stuck", { gate: gate.url });
  await taskWhen(app.url, task_id, (it) => it.message === "stuck");
  gate.open();
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  const response = await post(`${app.url}/tasks/${task_id}/cancel`);
  assertEquals([response.status, (await response.json()).cancel_requested], [202, true]);
  await stream.all();
  assertEquals(stream.data("complete").map(({ status }) => status), ["canceled"]);
  const after = await submit(app.url, "echo", "still here");
  assertEquals((await finished(app.url, after.task_id)).result, "still here");
});

Deno.test("POST /tasks/{id}/retry makes a failed or canceled task pending again, and refuses an unfinished one", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const pending = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const running = await submit(app.url, "gated", { gate });
  await taskWhen(app.url, running.task_id, (it) => it.message === "waits");
  for (const [{ task_id }, status] of [[pending, "pending"], [running, "running"]] as const) {
    const problem = await assertProblem(await post(`${app.url}/tasks/${task_id}/retry`), 409);
    assertEquals([problem.task_status, problem.task_id], [status, task_id]);
  }
  openGate(gate);
  for (
    const [kind, input, status] of [
      ["throws", {}, "failed"],
      ["echo", null, "canceled"],
    ] as const
  ) {
    const more = status === "canceled" ? { delay_ms: 3_600_000 } : {};
    const { task_id } = await submit(app.url, kind, input, more);
    if (status === "canceled") {
      await post(`${app.url}/tasks/${task_id}/cancel`).then((it) => it.json());
    }
    const before = await finished(app.url, task_id);
    assertEquals(before.status, status);
    const response = await post(`${app.url}/tasks/${task_id}/retry`);
    const again: TaskRecord = await response.json();
    assertEquals(response.status, 200);
    // The task may have run again by the time the answer is written.
    assert(again.finished_at === null || again.finished_at > before.finished_at!);
    assert(again.seq > before.seq);
    const end = await finished(app.url, task_id);
    assertEquals([end.attempt, end.cancel_requested, end.created_at], [
      1,
      false,
      before.created_at,
    ]);
    if (kind === "echo") assertEquals([end.status, end.result], ["completed", input]);
    else assertEquals(end.error, before.error);
  }
});

Deno.test("POST /tasks/{id}/retry leaves a completed task as it is, and makes a new one with its input", async () => {
  await using app = await testApp();
  for (const input of ["x", "y".repeat(20_000)]) {
    const bounds = { priority: 7, max_attempts: 3, timeout_ms: 60_000 };
    const { task_id } = await submit(app.url, "echo", input, bounds);
    const before = await finished(app.url, task_id);
    const send = (key?: string) =>
      post(`${app.url}/tasks/${task_id}/retry`, undefined, key ? { "idempotency-key": key } : {});
    const response = await send();
    const made: TaskRecord = await response.json();
    assertEquals(response.status, 201);
    assertEquals(response.headers.get("location"), `/tasks/${made.task_id}`);
    assertNotEquals(made.task_id, task_id);
    assertEquals([made.retried_from, made.status, made.priority, made.max_attempts], [
      task_id,
      "pending",
      7,
      3,
    ]);
    const end = await finished(app.url, made.task_id);
    assertEquals([end.retried_from, end.result], [task_id, input]);
    const details = await fetch(`${app.url}/tasks/${made.task_id}/details`)
      .then((it) => it.json());
    assertEquals([details.input, details.timeout_ms], [input, 60_000]);
    assertEquals(await getTask(app.url, task_id), before);

    const key = `again ${input[0]}`.replace(" ", "-");
    const [first, second] = await Promise.all([send(key), send(key)]);
    assertEquals([first.status, second.status].toSorted(), [200, 201]);
    const [a, b]: TaskRecord[] = [await first.json(), await second.json()];
    assertEquals(a!.task_id, b!.task_id);
    const other = await submit(app.url, "echo", 1);
    await finished(app.url, other.task_id);
    const problem = await assertProblem(
      await post(`${app.url}/tasks/${other.task_id}/retry`, undefined, { "idempotency-key": key }),
      422,
    );
    assertEquals(problem.field, "Idempotency-Key");
  }
  // A bulk retry passes over completed tasks, so it takes away no result.
  const done = await submit(app.url, "echo", "kept");
  const failed = await submit(app.url, "throws", {});
  await finished(app.url, done.task_id);
  await finished(app.url, failed.task_id);
  const answer = await post(`${app.url}/tasks/bulk`, {
    action: "retry",
    ids: [done.task_id, failed.task_id],
  });
  const { results, refused } = await answer.json();
  assertEquals(results.map(({ ok }: { ok: boolean }) => ok), [false, true]);
  assertEquals([results[0].status, refused], ["completed", { completed: 1 }]);
  assertEquals((await getTask(app.url, done.task_id)).result, "kept");
});

Deno.test("DELETE /tasks/{id} removes a finished task with all of its keys, and refuses any other", async () => {
  await using app = await testApp();
  const gate = crypto.randomUUID();
  const pending = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const running = await submit(app.url, "gated", { gate, rows: 50 });
  await taskWhen(app.url, running.task_id, (it) => it.message === "waits");
  for (const [{ task_id }, status] of [[pending, "pending"], [running, "running"]] as const) {
    const response = await fetch(`${app.url}/tasks/${task_id}`, { method: "DELETE" });
    assertEquals((await assertProblem(response, 409)).task_status, status);
  }
  openGate(gate);
  const large = await submit(app.url, "echo", "x".repeat(20_000));
  const { kv } = app.engine.store;
  for (const { task_id } of [running, large]) {
    await finished(app.url, task_id);
    const response = await fetch(`${app.url}/tasks/${task_id}`, { method: "DELETE" });
    assertEquals([response.status, await response.text()], [204, ""]);
    for (const path of ["", "/events", "/stream"]) {
      await assertProblem(await fetch(`${app.url}/tasks/${task_id}${path}`), 404);
    }
    await assertProblem(await fetch(`${app.url}/tasks/${task_id}`, { method: "DELETE" }), 404);
    // No key contains the id any more, except in the journal, which is short-lived.
    for await (const { key } of kv.list({ prefix: [] })) {
      if (key[0] !== keys.journal[0]) assert(!key.includes(task_id), String(key));
    }
  }
  const list = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(list.tasks.map((it: TaskRecord) => it.task_id), [pending.task_id]);
});

Deno.test("a failed task's error has a name and a message, and no stack", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "throws", { message: "No such file" });
  const end = await finished(app.url, task_id);
  assertEquals([end.status, end.error], ["failed", {
    name: "RangeError",
    message: "No such file",
  }]);
  assert(!JSON.stringify(await storedEvents(app.url, task_id)).includes(".ts:"));
});

Deno.test("a FinalError is not retried, and the record has its cause with code and parts", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "throws", { final: true }, { max_attempts: 3 });
  const { attempt, error } = await finished(app.url, task_id);
  const errors = [{ name: "Error", message: "a" }, { name: "Error", message: "b" }];
  const cause = { name: "AggregateError", message: "why", code: "E_WHY", errors };
  assertEquals([attempt, error], [1, { name: "FinalError", message: "It broke", cause }]);
});
