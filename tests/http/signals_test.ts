import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { bearer, finished, post, submit, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/gate.ts";
import { MovedClock } from "../helpers/moved_clock.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";

/** Sends a signal, and returns the answer. */
function signal(
  base: string,
  id: string,
  value: unknown,
  name = "approve",
  headers: Record<string, string> = {},
): Promise<Response> {
  return post(`${base}/tasks/${id}/signals/${name}`, value, headers);
}

/** Sends a signal that must be accepted. */
async function send(...args: Parameters<typeof signal>): Promise<TaskRecord> {
  const response = await signal(...args);
  const body = await response.json();
  assertEquals(response.status, 200, JSON.stringify(body));
  return body;
}

/** Asserts that a request is refused, and which field the problem names. */
async function assertRefused(response: Response, status: number, field: string): Promise<void> {
  assertEquals((await assertProblem(response, status)).field, field);
}

function isWaiting({ status }: TaskRecord): boolean {
  return status === "waiting";
}

Deno.test("POST /tasks/{id}/signals/{name} lets the task that waits for the signal continue, once", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "asks", {});
  const { waiting_for, run_at } = await taskWhen(app.url, task_id, isWaiting);
  assertEquals(waiting_for, { type: "signal", name: "approve", until: null });
  assertEquals(app.engine.runner?.running, 0);
  const sent = await send(app.url, task_id, { ok: true });
  // The task may have been claimed by then.
  assert(["pending", "running"].includes(sent.status), sent.status);
  const { status, result, attempt, waiting_for: left, run_at: later } = await finished(
    app.url,
    task_id,
  );
  assertEquals([status, result, attempt, left], [
    "completed",
    { answer: { ok: true } },
    1,
    undefined,
  ]);
  assert(later >= run_at);
  await assertRefused(await signal(app.url, task_id, { ok: true }), 409, "name");
});

Deno.test("a signal that comes before its task waits for it is kept, but only the first of its name", async () => {
  await using app = await testApp();
  const later = { delay_ms: 3_600_000 };
  const { task_id } = await submit(app.url, "asks", {}, later);
  await send(app.url, task_id, { ok: false });
  await assertRefused(await signal(app.url, task_id, { ok: true }), 409, "name");
  const { task_id: second } = await submit(app.url, "gated", { gate: "early" });
  await taskWhen(app.url, second, ({ status }) => status === "running");
  await send(app.url, second, 1, "unasked");
  openGate("early");
  assertEquals((await finished(app.url, second)).status, "completed");
});

Deno.test("a signal that comes while its task is about to wait for it is not missed", async () => {
  await using app = await testApp();
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () => (await submit(app.url, "asks", {})).task_id),
  );
  // Some signals come before their task runs, some while it runs, and some when it waits.
  await Promise.all(ids.map((id) => send(app.url, id, { ok: true })));
  for (const id of ids) {
    const { result } = await finished(app.url, id);
    assertEquals(result, { answer: { ok: true } });
  }
});

Deno.test("a signal that does not fit is refused if its task waits for it, or else dropped with a log row", async () => {
  let time = Date.now();
  await using app = await testApp({}, { now: () => time });
  const { task_id } = await submit(app.url, "asks", {});
  await taskWhen(app.url, task_id, isWaiting);
  await assertRefused(await signal(app.url, task_id, { ok: "yes" }), 422, "signal.ok");
  await assertRefused(await signal(app.url, task_id, undefined), 422, "signal");
  await send(app.url, task_id, { ok: true });
  assertEquals((await finished(app.url, task_id)).result, { answer: { ok: true } });

  const { task_id: early } = await submit(app.url, "asks", {}, { delay_ms: 600 });
  await send(app.url, early, { ok: "yes" });
  time += 600;
  await taskWhen(app.url, early, isWaiting);
  const { events } = await (await fetch(`${app.url}/tasks/${early}/events`)).json();
  const logged = events.filter(({ event }: { event: string }) => event === "log");
  assertEquals(logged.map(({ data }: { data: { level: string } }) => data.level), ["warn"]);
  // The task waits for another signal now.
  await send(app.url, early, { ok: false });
  assertEquals((await finished(app.url, early)).result, { answer: { ok: false } });
});

Deno.test("POST /tasks/{id}/signals/{name} refuses an invalid signal or one too many, and names the field", async () => {
  await using app = await testApp({ HEADWAY_MAX_BODY: "200000" });
  const { task_id } = await submit(app.url, "asks", {});
  await taskWhen(app.url, task_id, isWaiting);
  await assertRefused(await signal(app.url, task_id, 1, "x".repeat(129)), 400, "name");
  await assertRefused(await signal(app.url, task_id, 1, "a%00b"), 400, "name");
  await assertRefused(await signal(app.url, task_id, "x".repeat(60_000), "other"), 413, "body");
  await assertProblem(await signal(app.url, "01J0000000000000000000NONE", 1), 404);
  const names = Array.from({ length: 100 }, (_, n) => `early-${n}`);
  for (const name of names) await send(app.url, task_id, 1, name);
  await assertRefused(await signal(app.url, task_id, 1, "one-more"), 409, "name");
});

Deno.test("waitFor() ends without a signal when its timeout is over", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "asks", { timeout_ms: 50 });
  assertEquals((await finished(app.url, task_id)).result, { answer: "none" });
});

Deno.test("a waiting task is canceled at once, and cannot be deleted before it has ended", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "asks", {});
  await taskWhen(app.url, task_id, isWaiting);
  const removed = await fetch(`${app.url}/tasks/${task_id}`, { method: "DELETE" });
  await assertProblem(removed, 409);
  const canceled = await post(`${app.url}/tasks/${task_id}/cancel`, undefined);
  assertEquals([canceled.status, (await canceled.json()).status], [200, "canceled"]);
  await assertRefused(await signal(app.url, task_id, { ok: true }), 409, "name");
  assertEquals((await fetch(`${app.url}/tasks/${task_id}`, { method: "DELETE" })).status, 204);
  const left = await Array.fromAsync(app.engine.store.kv.list({ prefix: ["answer"] }));
  assertEquals(left, []);
});

Deno.test("a task that sleeps is listed and counted as waiting, and continues by itself", async () => {
  using clock = new MovedClock();
  await using app = await testApp();
  const { task_id } = await submit(app.url, "sleeps", { ms: 3_600_000 });
  const { waiting_for, run_at } = await taskWhen(app.url, task_id, isWaiting);
  assertEquals(waiting_for, { type: "sleep", name: "rest", until: run_at });
  const { tasks } = await (await fetch(`${app.url}/tasks?status=waiting`)).json();
  assertEquals(tasks.map(({ task_id }: TaskRecord) => task_id), [task_id]);
  const counts = await (await fetch(`${app.url}/tasks/counts`)).json();
  assertEquals([counts.waiting, counts.running, counts.pending], [1, 0, 0]);
  clock.ahead = 3_600_000;
  assertEquals((await finished(app.url, task_id)).result, "awake");
});

Deno.test("a token that can only signal sends signals to its own task, and reads nothing", async () => {
  const admin = "admin-secret-0123456789";
  await using app = await testApp({ HEADWAY_TOKENS: `a:admin:${admin}` });
  const submitted = await post(`${app.url}/tasks`, { kind: "asks", input: {} }, bearer(admin));
  const { task_id } = await submitted.json();
  const made = await post(`${app.url}/tokens`, { task_id, can: ["signal"] }, bearer(admin));
  const { token } = await made.json();
  const address = `${app.url}/tasks/${task_id}`;
  await assertProblem(await fetch(address, { headers: bearer(token) }), 403);
  await assertProblem(await fetch(`${address}/artifacts`, { headers: bearer(token) }), 403);
  // A link in a message carries the token like this.
  const sent = await post(`${address}/signals/approve?token=${token}`, { ok: true });
  assertEquals(sent.status, 200);
  await sent.body?.cancel();
  const { token: other } = await (await post(`${app.url}/tokens`, {
    owner: "acme",
    can: ["signal"],
  }, bearer(admin))).json();
  await assertProblem(await post(`${address}/signals/b`, 1, bearer(other)), 403);
});
