import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TaskRecord } from "headway";
import { finished, post, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { readMetrics } from "../helpers/metrics.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

Deno.test("POST /tasks answers 201 with the task's record, and its address in Location", async () => {
  await using app = await testApp();
  const input = { steps: 3, interval_ms: 0 };
  const response = await post(`${app.url}/tasks`, { kind: "demo", input, priority: 5 });
  const record: TaskRecord = await response.json();
  assertEquals(response.status, 201);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("location"), `/tasks/${record.task_id}`);
  assertMatch(record.task_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  for (const at of [record.created_at, record.updated_at, record.run_at]) assertMatch(at, ISO);
  const { task_id, created_at, updated_at, run_at, ...rest } = record;
  assertEquals(rest, {
    kind: "demo",
    status: "pending",
    progress: 0,
    done: null,
    total: null,
    unit: null,
    stage: null,
    message: null,
    result: null,
    error: null,
    attempt: 0,
    max_attempts: 1,
    priority: 5,
    started_at: null,
    finished_at: null,
    cancel_requested: false,
    eta_ms: null,
    rate: null,
    by: "anonymous",
    seq: 1,
  });
  assert(created_at === updated_at && run_at <= created_at);
  const end = await finished(app.url, task_id);
  assertEquals([end.status, end.progress, end.done, end.total, end.unit, end.attempt, end.result], [
    "completed",
    100,
    3,
    3,
    "steps",
    1,
    { data: "processed" },
  ]);
});

Deno.test("POST /tasks takes delay_ms, run_at, max_attempts and timeout_ms", async () => {
  await using app = await testApp();
  const before = Date.now();
  const delayed = Date.parse((await submit(app.url, "echo", null, { delay_ms: 60_000 })).run_at);
  assert(delayed >= before + 60_000 && delayed <= Date.now() + 60_000);
  const timed = await submit(app.url, "echo", null, { run_at: "2999-01-31T08:00:00+02:00" });
  assertEquals(timed.run_at, "2999-01-31T06:00:00.000Z");
  const far = await submit(app.url, "echo", null, { run_at: "9999-01-01T00:00:00Z" });
  assertEquals([far.status, far.run_at], ["pending", "9999-01-01T00:00:00.000Z"]);
  const past = await submit(app.url, "echo", null, { run_at: "2020-01-31T08:00:00Z" });
  assertEquals((await finished(app.url, past.task_id)).status, "completed");
  const retried = await submit(app.url, "throws", { attempts: 3 }, { max_attempts: 5 });
  const end = await finished(app.url, retried.task_id);
  assertEquals([end.status, end.attempt, end.max_attempts, end.error], ["completed", 3, 5, null]);
  const late = await submit(app.url, "waits", null, { timeout_ms: 30 });
  assertEquals((await finished(app.url, late.task_id)).error!.name, "TimeoutError");
});

Deno.test("POST /tasks refuses an invalid body, and names the field", async () => {
  await using app = await testApp();
  const cases: [body: unknown, status: number, field: string, says: RegExp][] = [
    [[], 400, "body", /object/],
    ["demo", 400, "body", /object/],
    [null, 400, "body", /object/],
    [7, 400, "body", /object/],
    [{}, 400, "kind", /'kind' must be text/],
    [{ kind: 7 }, 400, "kind", /'kind' must be text/],
    [{ kind: "nope" }, 422, "kind", /There is no kind 'nope': there are .*demo/],
    [{ kind: "__proto__" }, 422, "kind", /There is no kind/],
    [{ kind: "x\ndata: forged" }, 422, "kind", /There is no kind/],
    [{ kind: "demo", inputs: {} }, 400, "inputs", /There is no field 'inputs'/],
    [{ kind: "demo", input: { steps: "ten" } }, 422, "input.steps", /number/],
    [{ kind: "demo", input: { steps: -1 } }, 422, "input.steps", /0/],
    [{ kind: "demo", input: { stepz: 1 } }, 422, "input", /stepz/],
    [{ kind: "demo", input: [] }, 422, "input", /object/],
    [{ kind: "demo", priority: "high" }, 400, "priority", /from -100 to 100/],
    [{ kind: "demo", priority: 101 }, 400, "priority", /from -100 to 100/],
    [{ kind: "demo", priority: 1.5 }, 400, "priority", /whole number/],
    [{ kind: "demo", delay_ms: -1 }, 400, "delay_ms", /whole number from 0/],
    [{ kind: "demo", delay_ms: 1e15 }, 400, "delay_ms", /whole number/],
    [{ kind: "demo", run_at: "2027-02-30T00:00:00Z" }, 400, "run_at", /RFC 3339/],
    [{ kind: "demo", run_at: "tomorrow" }, 400, "run_at", /RFC 3339/],
    [{ kind: "demo", run_at: "2027-13-01T00:00:00Z" }, 400, "run_at", /RFC 3339/],
    [{ kind: "demo", run_at: "2027-01-31T08:00:00" }, 400, "run_at", /zone/],
    [{ kind: "demo", run_at: 1 }, 400, "run_at", /RFC 3339/],
    [{ kind: "demo", run_at: "2027-01-31T08:00:00Z", delay_ms: 1 }, 400, "run_at", /Only one/],
    [{ kind: "demo", max_attempts: 0 }, 400, "max_attempts", /from 1/],
    [{ kind: "demo", timeout_ms: 0 }, 400, "timeout_ms", /from 1/],
    [{ kind: "demo", timeout_ms: true }, 400, "timeout_ms", /whole number/],
  ];
  for (const [body, status, field, says] of cases) {
    const problem = await assertProblem(await post(`${app.url}/tasks`, body), status);
    assertEquals(problem.field, field, JSON.stringify(body));
    assertMatch(problem.error, says);
  }
  const both = { kind: "demo", input: { steps: -1, interval_ms: "x" } };
  const problem = await assertProblem(await post(`${app.url}/tasks`, both), 422);
  const errors = problem.errors as { field: string; message: string }[];
  assertEquals(errors.map(({ field }) => field), ["input.steps", "input.interval_ms"]);
  const list = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(list.tasks, []);
});

Deno.test("POST /tasks refuses a body that is not JSON, not UTF-8, or too large", async () => {
  await using app = await testApp({ HEADWAY_MAX_BODY: "1000" });
  const send = (body: BodyInit | null) => fetch(`${app.url}/tasks`, { method: "POST", body });
  assertMatch((await assertProblem(await send("{"), 400)).error, /not JSON/);
  assertMatch((await assertProblem(await send("kind=demo"), 400)).error, /not JSON/);
  await assertProblem(await send(new Uint8Array([0x22, 0xff, 0x22])), 400);
  assertMatch((await assertProblem(await send(null), 400)).error, /must be an object/);
  const large = JSON.stringify({ kind: "echo", input: "x".repeat(2000) });
  assertMatch((await assertProblem(await send(large), 413)).error, /larger than 1000 bytes/);
  // Without a Content-Length the bytes are counted as they arrive.
  const unsized = new Blob([large]).stream();
  assertMatch((await assertProblem(await send(unsized), 413)).error, /larger than 1000 bytes/);
  const exact = JSON.stringify({ kind: "echo", input: "" });
  const whole = JSON.stringify({ kind: "echo", input: "x".repeat(1000 - exact.length) });
  assertEquals((await send(whole).then((it) => it.json())).kind, "echo");
  assertEquals((await fetch(`${app.url}/healthz`).then((it) => it.json())).status, "ok");
});

Deno.test("POST /tasks takes an input of up to 48 KiB of JSON, and the task gets all of it", async () => {
  await using app = await testApp();
  for (const length of [0, 500, 600, 48 * 1024 - 1, 48 * 1024]) {
    // An input of `length` bytes of JSON, two of which are the quotes.
    const input = length < 2 ? null : "進".repeat((length - 2) / 3) + "x".repeat((length - 2) % 3);
    const { task_id } = await submit(app.url, "echo", input);
    const { status, result, result_url } = await finished(app.url, task_id);
    // The bound of a result is a little lower: a larger one becomes an artifact.
    const got = result_url ? await (await fetch(`${app.url}/${result_url}`)).json() : result;
    assertEquals([status, got === input], ["completed", true], `${length} bytes`);
  }
  const over = { kind: "echo", input: "x".repeat(48 * 1024 - 1) };
  const problem = await assertProblem(await post(`${app.url}/tasks`, over), 413);
  assertEquals(problem.field, "input");
  assertMatch(problem.error, /49153 bytes .* 49152: .*POST \/uploads/);
});

Deno.test("POST /tasks makes no task of a body that breaks off", async () => {
  await using app = await testApp();
  // It would make a task if the server took it for all of the body.
  const begun = '{"kind":"echo"}';
  for (let n = 0; n < 20; n++) {
    const [header, sent] = n % 2
      ? [{ "content-length": "100" }, begun]
      : [{ "transfer-encoding": "chunked" }, `f\r\n${begun}\r\n`];
    const headers = { "content-type": "application/json", expect: "100-continue", ...header };
    using raw = await openRaw(`${app.url}/tasks`, { method: "POST", headers });
    assert(await raw.until("100 Continue"), raw.text);
    await raw.write(new TextEncoder().encode(sent));
  }
  // A client's fault, not the server's.
  await eventually(async () => {
    const counts = (await readMetrics(app.url)).all("headway_http_requests_total");
    const posts = Object.entries(counts).filter(([labels]) => labels.includes('"POST"'));
    assertEquals(posts, [['{route="/tasks",method="POST",status="400"}', 20]]);
  });
  const list = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(list.tasks, []);
});

Deno.test("POST /tasks answers 503 if the server stops before the body has come", async () => {
  await using app = await testApp();
  const headers = { "content-type": "application/json", "content-length": "100" };
  using raw = await openRaw(`${app.url}/tasks`, {
    method: "POST",
    headers: { ...headers, expect: "100-continue" },
  });
  assert(await raw.until("100 Continue"), raw.text);
  await raw.write(new TextEncoder().encode('{"kind":'));
  const stopped = app.stop(0);
  assert(await raw.until("send it again"), raw.text);
  assertMatch(raw.text, /HTTP\/1\.1 503 /);
  assertMatch(raw.text, /retry-after: 1/i);
  // The stop would wait five seconds for the connection.
  raw[Symbol.dispose]();
  await stopped;
});

Deno.test("POST /submit makes a task of the kind demo, with the body as its input", async () => {
  await using app = await testApp();
  const { task_id } = await post(`${app.url}/submit`, { steps: 2, interval_ms: 0 })
    .then((it) => it.json());
  const end = await finished(app.url, task_id);
  assertEquals([end.kind, end.total, end.status], ["demo", 2, "completed"]);
  await assertProblem(await post(`${app.url}/submit`, [1]), 400);
  await assertProblem(await post(`${app.url}/submit`, { steps: "x" }), 422);
});

Deno.test("an Idempotency-Key gives the same task for the same body, whatever the order of its fields", async () => {
  await using app = await testApp();
  const key = { "idempotency-key": "order-7" };
  const body = { kind: "echo", input: { a: 1, b: [1, { c: 2, d: 3 }] }, priority: 1 };
  const first = await post(`${app.url}/tasks`, body, key);
  const made: TaskRecord = await first.json();
  assertEquals(first.status, 201);
  const end = await finished(app.url, made.task_id);

  const same = { priority: 1, input: { b: [1, { d: 3, c: 2 }], a: 1 }, kind: "echo" };
  const second = await post(`${app.url}/tasks`, same, key);
  assertEquals(second.status, 200);
  assertEquals(second.headers.get("location"), `/tasks/${made.task_id}`);
  // The answer is the task as it is now, as GET shows it.
  assertEquals(await second.json(), end);

  for (
    const other of [
      { ...body, priority: 2 },
      { ...body, input: { a: 1, b: [{ c: 2, d: 3 }, 1] } },
      { ...body, input: [["a", 1], ["b", [1, { c: 2, d: 3 }]]] },
      { ...body, input: { a: 1, b: [1, [["c", 2], ["d", 3]]] } },
      { kind: "echo" },
    ]
  ) {
    const problem = await assertProblem(await post(`${app.url}/tasks`, other, key), 422);
    assertEquals([problem.field, problem.task_id], ["Idempotency-Key", made.task_id]);
  }
  const list = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(list.tasks.length, 1);
});

Deno.test("twenty requests at once with one Idempotency-Key make one task", async () => {
  await using app = await testApp();
  for (const path of ["/tasks", "/submit"]) {
    const body = path === "/submit" ? { steps: 1, interval_ms: 0 } : { kind: "echo" };
    const answers = await Promise.all(Array.from({ length: 20 }, async () => {
      const response = await post(app.url + path, body, {
        "idempotency-key": `key-${path}`,
      });
      const { task_id } = await response.json();
      return { task_id, status: response.status };
    }));
    assertEquals(new Set(answers.map(({ task_id }) => task_id)).size, 1);
    if (path === "/tasks") {
      assertEquals(answers.filter(({ status }) => status === 201).length, 1);
      assertEquals(answers.filter(({ status }) => status === 200).length, 19);
    }
  }
  const list = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(list.tasks.length, 2);
});

Deno.test("an Idempotency-Key must be visible ASCII, and is free again once its task is removed", async () => {
  await using app = await testApp();
  for (const wrong of ["", " ", "a b", "é", "x".repeat(256)]) {
    const response = await post(`${app.url}/tasks`, { kind: "echo" }, { "idempotency-key": wrong });
    assertEquals((await assertProblem(response, 400)).field, "Idempotency-Key");
  }
  const key = { "idempotency-key": "x".repeat(255) };
  const first = await post(`${app.url}/tasks`, { kind: "echo" }, key).then((it) => it.json());
  await finished(app.url, first.task_id);
  await fetch(`${app.url}/tasks/${first.task_id}`, { method: "DELETE" });
  const second = await post(`${app.url}/tasks`, { kind: "echo" }, key);
  assertEquals(second.status, 201);
  assert((await second.json()).task_id !== first.task_id);
});

Deno.test("names, labels, reasons and URLs with control characters or lone surrogates are refused", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const made = await post(`${app.url}/schedules`, {
    schedule_id: "s",
    kind: "echo",
    cron: "0 0 1 1 *",
  });
  assertEquals(made.status, 201, await made.text());
  const refused: [method: string, path: string, body: unknown, field: string][] = [];
  for (const bad of ["a\nb", "\u0000", "\u0085", "a\u007f", "\ud800", "\udc00x"]) {
    refused.push(
      ["POST", "/tasks", { kind: "echo", owner: bad }, "owner"],
      ["POST", "/tasks", { kind: "echo", tags: ["a", bad] }, "tags"],
      ["POST", "/tasks", { kind: "echo", notify: [{ url: `http://a/${bad}` }] }, "notify"],
      ["POST", "/schedules", { kind: "echo", cron: "@daily", schedule_id: bad }, "schedule_id"],
      ["POST", "/schedules", { kind: "echo", cron: "@daily", tags: [bad] }, "tags"],
      ["POST", "/schedules", { kind: "echo", cron: `@daily${bad}` }, "cron"],
      ["POST", "/schedules", { kind: "echo", cron: "@daily", zone: `UTC${bad}` }, "zone"],
      ["PATCH", "/schedules/s", { tags: [bad] }, "tags"],
      ["PATCH", "/schedules/s", { paused: true, reason: bad }, "reason"],
      ["POST", "/kinds/echo/pause", { reason: bad }, "reason"],
      ["POST", "/tokens", { owner: bad }, "owner"],
    );
    // A URL cannot hold a lone surrogate.
    if (!bad.isWellFormed()) continue;
    const text = encodeURIComponent(bad);
    refused.push(
      ["POST", `/tasks/${task_id}/signals/${text}`, 1, "name"],
      ["POST", `/uploads?name=${text}`, 1, "name"],
      ["GET", `/tasks?owner=${text}`, undefined, "owner"],
      ["GET", `/tasks?tag=${text}`, undefined, "tag"],
    );
  }
  for (const [method, path, body, field] of refused) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(app.url + path, { method, ...sent });
    const told = `${path} ${JSON.stringify(body)}`;
    assert([400, 422].includes(response.status), `${response.status}: ${told}`);
    assertEquals((await assertProblem(response, response.status)).field, field, told);
  }
  assertEquals(
    await (await fetch(`${app.url}/kinds/echo/audit`)).json().then((it) => it.entries.length),
    1,
  );
});
