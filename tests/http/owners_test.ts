import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { ulid } from "@std/ulid";
import { OldTasks } from "../../lib/cluster/old_tasks.ts";
import { keys } from "../../lib/kv/keys.ts";
import { finished, post, submit } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const LATER = { delay_ms: 3_600_000 };

async function listed(base: string, query: string): Promise<string[]> {
  const response = await fetch(`${base}/tasks?${query}`);
  const { tasks } = await response.json();
  assertEquals(response.status, 200);
  return tasks.map(({ task_id }: TaskRecord) => task_id);
}

async function counted(base: string, query: string): Promise<Record<string, unknown>> {
  return await (await fetch(`${base}/tasks/counts?${query}`)).json();
}

Deno.test("lists, counts and streams select by owner and tags, together with any other filter", async () => {
  await using app = await testApp();
  const make = async (kind: string, owner: string | null, tags: string[] | null, more = {}) =>
    (await submit(app.url, kind, { texts: [] }, { owner, tags, ...more })).task_id;
  const a = await make("says", "acme", ["nightly", "eu"]);
  const b = await make("echo", "acme", ["eu"]);
  const c = await make("echo", "acme/é 🦆", ["nightly", "租户"], LATER);
  const d = await make("echo", null, null);
  const e = await make("throws", "acme", null);
  for (const id of [a, b, d, e]) await finished(app.url, id);
  const cases: [query: string, ids: string[]][] = [
    ["owner=acme", [e, b, a]],
    [`owner=${encodeURIComponent("acme/é 🦆")}`, [c]],
    ["owner=acm", []],
    ["tag=nightly", [c, a]],
    ["tag=nightly,eu", [a]],
    ["tag=eu&tag=nightly", [a]],
    [`tag=${encodeURIComponent("租户")}`, [c]],
    ["tag=night", []],
    ["owner=acme&tag=eu", [b, a]],
    ["owner=acme&kind=echo", [b]],
    ["owner=acme&status=failed", [e]],
    [`owner=acme&q=${a}`, [a]],
    ["tag=nightly&status=pending&kind=echo", [c]],
    ["owner=acme&created_before=2020-01-01T00:00:00Z", []],
    ["tag=eu&limit=1", [b]],
  ];
  for (const [query, ids] of cases) {
    assertEquals(await listed(app.url, query), ids, query);
    // Only lists have these filters.
    if (/q=|created|limit|status/.test(query)) continue;
    const counts = await counted(app.url, query);
    const { pending, running, completed, failed, canceled } = counts as Record<string, number>;
    const sum = [pending, running, completed, failed, canceled].reduce((all, it) => all! + it!, 0);
    assertEquals([sum, "partial" in counts], [ids.length, false], query);
    await using stream = await openStream(`${app.url}/tasks/stream?${query}`);
    const [first] = await stream.collect(1);
    const { tasks } = JSON.parse(first!.data) as { tasks: TaskRecord[] };
    assertEquals(tasks.map(({ task_id }) => task_id), ids, query);
  }
  const wrong: [query: string, field: string][] = [
    [`owner=${"x".repeat(129)}`, "owner"],
    ["owner=a&owner=b", "owner"],
    ["owner=%01", "owner"],
    // An owner that is empty by mistake must not select everybody's tasks.
    ["owner=", "owner"],
    [`tag=${"x".repeat(65)}`, "tag"],
    [`tag=${Array.from({ length: 21 }, (_, n) => n)}`, "tag"],
  ];
  for (const [query, field] of wrong) {
    for (const path of ["/tasks", "/tasks/counts", "/tasks/stream"]) {
      const problem = await assertProblem(await fetch(`${app.url}${path}?${query}`), 400);
      assertEquals(problem.field, field, query);
    }
  }
});

Deno.test("POST /tasks refuses an invalid owner or invalid tags, and keeps valid ones unchanged", async () => {
  await using app = await testApp();
  const send = (more: object) => post(`${app.url}/tasks`, { kind: "echo", ...more });
  const wrong: [more: object, field: string][] = [
    [{ owner: "" }, "owner"],
    [{ owner: 1 }, "owner"],
    [{ owner: "x".repeat(129) }, "owner"],
    [{ owner: "a\u0000" }, "owner"],
    [{ owner: "a\ud800" }, "owner"],
    [{ tags: "a" }, "tags"],
    [{ tags: [""] }, "tags"],
    [{ tags: ["a,b"] }, "tags"],
    [{ tags: ["a", "b", "a"] }, "tags"],
    [{ tags: ["x".repeat(65)] }, "tags"],
    [{ tags: Array.from({ length: 21 }, (_, n) => `${n}`) }, "tags"],
  ];
  for (const [more, field] of wrong) {
    const problem = await assertProblem(await send(more), 400);
    assertEquals(problem.field, field, JSON.stringify(more));
    assert(problem.error.includes(`'${field}`), problem.error);
  }
  const right = {
    owner: "🦆".repeat(128),
    tags: Array.from({ length: 20 }, (_, n) => "🦆".repeat(62) + String(n).padStart(2, "0")),
  };
  const { task_id, owner, tags } = await (await send(right)).json();
  assertEquals({ owner, tags }, right);
  const end = await finished(app.url, task_id);
  assertEquals([end.owner, end.tags, end.status], [right.owner, right.tags, "completed"]);
  const none = await (await send({ owner: null, tags: [] })).json();
  assertEquals(["owner" in none, "tags" in none], [false, false]);
  // The task that repeats it has the same owner and tags.
  const again = await (await post(`${app.url}/tasks/${task_id}/retry`)).json();
  assertEquals([again.retried_from, again.owner, again.tags], [task_id, right.owner, right.tags]);
  await finished(app.url, again.task_id);
  assertEquals(await listed(app.url, `owner=${encodeURIComponent(right.owner)}`), [
    again.task_id,
    task_id,
  ]);
  for (const id of [task_id, again.task_id]) {
    await fetch(`${app.url}/tasks/${id}`, { method: "DELETE" });
  }
  const { kv } = app.engine.store;
  for (const set of ["owned", "tagged"]) {
    assertEquals(await Array.fromAsync(kv.list({ prefix: [set] })), []);
  }
});

Deno.test("GET /tasks/stream of an owner resumes exactly after tasks were made, ended and were deleted", async () => {
  await using app = await testApp();
  const make = async (owner: string, more = {}) =>
    (await submit(app.url, "says", { texts: ["x"] }, { owner, tags: ["t"], ...more })).task_id;
  const old = await make("acme");
  await finished(app.url, old);
  const url = `${app.url}/tasks/stream?owner=acme&tag=t`;
  const seen: string[] = [];
  let lastEventId: string;
  {
    await using stream = await openStream(url);
    await make("globex");
    const mine = await make("acme");
    await stream.until(({ events }) =>
      events.some(({ event, data }) => event === "complete" && data.includes(mine))
    );
    lastEventId = stream.events.at(-1)!.id;
    for (const { data } of stream.events) seen.push(data);
  }
  const missed = await make("acme");
  const theirs = await make("globex");
  for (const id of [missed, theirs]) await finished(app.url, id);
  for (const id of [old, theirs]) await fetch(`${app.url}/tasks/${id}`, { method: "DELETE" });
  await using again = await openStream(url, { lastEventId });
  const last = await make("acme");
  await again.until(({ events }) =>
    events.some(({ event, data }) => event === "complete" && data.includes(last))
  );
  for (const { data } of again.events) seen.push(data);
  const told = again.events.filter(({ event }) => event !== "message")
    .map(({ event, data }) => [event, JSON.parse(data).task_id]);
  assertEquals(told, [["complete", missed], ["deleted", old], ["complete", last]]);
  assert(!seen.some((data) => data.includes("globex") || data.includes(theirs)));
});

Deno.test("POST /tasks/bulk changes up to 1,000 tasks of a filter at a time, and counts them in a dry run", async () => {
  await using app = await testApp();
  const { store } = app.engine;
  const spec = { kind: "echo", maxAttempts: 1, priority: 0, timeoutMs: null, input: null };
  const runAt = Date.now() + 3_600_000;
  const add = (count: number, owner: string) =>
    Promise.all(
      Array.from({ length: count }, () => store.submit({ ...spec, runAt, owner, tags: ["t"] })),
    );
  await add(1200, "acme");
  await add(3, "globex");
  const done = await submit(app.url, "echo", null, { owner: "acme" });
  await finished(app.url, done.task_id);
  const bulk = async (body: object) => {
    const response = await post(`${app.url}/tasks/bulk`, body);
    const { results, ...rest } = await response.json();
    assertEquals(response.status, 200, JSON.stringify(rest));
    return { count: results.length, ...rest };
  };
  const filter = { owner: "acme" };
  const { first_cursor: begin, ...dry } = await bulk({ action: "cancel", filter, dry_run: true });
  assertEquals(dry, { count: 0, matched: 1201, refused: { completed: 1 }, next_cursor: null });
  assertEquals(await bulk({ action: "delete", filter, dry_run: true }), {
    ...dry,
    refused: { pending: 1200 },
    first_cursor: begin,
  });
  const nobodys = await bulk({ action: "delete", filter: { owner: "nobody" }, dry_run: true });
  assertEquals([nobodys.matched, nobodys.first_cursor], [0, null]);
  assertEquals(await bulk({ action: "cancel", ids: [done.task_id, runAtId()], dry_run: true }), {
    ...dry,
    matched: 1,
  });
  const tag = { ...filter, tag: ["t"], status: ["pending"], kind: ["echo"] };
  // The first_cursor of the dry run leaves out tasks that were submitted since.
  await add(1, "acme");
  const first = await bulk({ action: "cancel", filter: tag, cursor: begin });
  assertEquals([first.count, first.matched, first.refused], [1000, 1000, {}]);
  const rest = await bulk({ action: "cancel", filter: tag, cursor: first.next_cursor });
  assertEquals([rest.count, rest.next_cursor], [200, null]);
  assertEquals(await counted(app.url, "owner=acme"), {
    ...{
      pending: 1,
      running: 0,
      waiting: 0,
      completed: 1,
      failed: 0,
      canceled: 1200,
      limit: 10_000,
    },
  });
  assertEquals((await counted(app.url, "owner=globex")).pending, 3);
  const wrong: [body: object, field: string][] = [
    [{ action: "cancel" }, "ids"],
    [{ action: "cancel", ids: [done.task_id], filter }, "ids"],
    [{ action: "cancel", filter: { status: ["done"] } }, "filter"],
    [{ action: "cancel", filter: { statuses: ["failed"] } }, "filter.statuses"],
    [{ action: "cancel", filter: { tag: ["a", "a"] } }, "filter"],
    [{ action: "cancel", filter: { kind: ["a b"] } }, "filter"],
    [{ action: "cancel", filter: { created_after: "now" } }, "filter"],
    [{ action: "cancel", filter: [] }, "filter"],
    [{ action: "cancel", filter, cursor: "x" }, "cursor"],
    [{ action: "cancel", ids: [done.task_id], cursor: done.task_id }, "cursor"],
    [{ action: "cancel", filter, dry_run: 1 }, "dry_run"],
  ];
  for (const [body, field] of wrong) {
    const problem = await assertProblem(await post(`${app.url}/tasks/bulk`, body), 400);
    assertEquals(problem.field, field, JSON.stringify(body));
  }
});

/** An id that no task has. */
function runAtId(): string {
  return "01J00000000000000000000000";
}

Deno.test("a task of version 0.1, without owner and tags, is listed, counted, retried and removed", async () => {
  using kv = await Deno.openKv(":memory:");
  const id = ulid();
  const at = new Date().toISOString();
  // Layout 1, with the fields that a head and a record had then, and no others.
  const record = {
    ...{ task_id: id, kind: "echo", status: "failed", progress: 0, done: null, total: null },
    ...{ unit: null, stage: null, message: null, result: null, attempt: 1, max_attempts: 1 },
    ...{ error: { name: "Error", message: "x" }, priority: 0, run_at: at, created_at: at },
    ...{ started_at: at, updated_at: at, finished_at: at, cancel_requested: false },
    ...{ eta_ms: null, rate: null, seq: 3 },
  };
  const head = {
    ...{ record: JSON.stringify(record), owner: null, timeoutMs: null, resuming: false },
    ...{ interruptions: 0, deaths: 0, checkpointed: false, slot: null, peak: 0, rows: 0 },
    ...{ trimmed: 0, input: null, result: null },
  };
  await kv.atomic().set(keys.task(id), head).set(keys.index("echo", "failed", id), null)
    .set(keys.kind("echo"), null).set(keys.epoch, "abc").commit();
  await using app = await testApp({}, { kv });
  assertEquals(await listed(app.url, ""), [id]);
  for (const query of ["owner=acme", "tag=a"]) assertEquals(await listed(app.url, query), []);
  await using stream = await openStream(`${app.url}/tasks/stream?owner=acme`);
  await stream.collect(1);
  const dry = await post(`${app.url}/tasks/bulk`, { action: "retry", filter: {}, dry_run: true });
  assertEquals((await dry.json()).matched, 1);
  const retried = await (await post(`${app.url}/tasks/${id}/retry`)).json();
  assertEquals(retried.task_id, id);
  const { owner, tags, status } = await finished(app.url, id);
  assertEquals([owner, tags, status], [undefined, undefined, "completed"]);
  const mine = await submit(app.url, "echo", null, { owner: "acme" });
  await stream.until(({ events }) => events.some(({ event }) => event === "complete"));
  assert(stream.events.every(({ data }) => !data.includes(id)));
  assertEquals(await listed(app.url, "owner=acme"), [mine.task_id]);
  // Retention removes these tasks like any others.
  const none = { completed: 0, failed: 0, canceled: 0 };
  await new OldTasks(app.engine.store, none).remove(
    Date.now() + 1000,
    new AbortController().signal,
  );
  assertEquals(await listed(app.url, ""), []);
  assertEquals(await Array.fromAsync(kv.list({ prefix: ["owned"] })), []);
});
