import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  defineTask,
  type FailedAttempt,
  headway,
  type HeadwayOptions,
  type ListQuery,
  log,
  output,
  progress,
  save,
} from "headway";
import { HeadwayError } from "headway/client";
import { Embedded } from "../../embed/embedded.ts";
import { eventually } from "../helpers/eventually.ts";
import { atGate, openGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const rows = defineTask({
  kind: "rows",
  async *run() {
    for (let row = 1; row <= 3; row++) {
      yield log(`row ${row}`);
      yield output({ row });
      yield save({ row });
    }
    return "done";
  },
});

const held = defineTask({
  kind: "held",
  async *run({ input, signal }) {
    yield progress({ progress: 1 });
    await atGate(String(input), signal);
  },
});

const AT_HOME = { transport: "tcp", hostname: "127.0.0.1", port: 50_000 } as const;
const AWAY = { ...AT_HOME, hostname: "192.0.2.7" };

/** Starts Headway as part of a program, with a store in memory. */
async function started(options: HeadwayOptions = {}): Promise<Embedded> {
  const jobs = await headway({ kinds: [rows, held], kv: ":memory:", log: "off", ...options });
  assertInstanceOf(jobs, Embedded);
  return jobs;
}

/** Sends a request as `Deno.serve` would pass it on. */
function asked(jobs: Embedded, path: string, init: RequestInit = {}, from: Deno.Addr = AT_HOME) {
  const headers = new Headers(init.headers);
  headers.set("host", "localhost");
  const request = new Request(`http://localhost${path}`, { ...init, headers });
  return jobs.fetch(request, { remoteAddr: from });
}

Deno.test("headway() answers only below its path, and matches() says which requests are for it", async () => {
  await using jobs = await started({ path: "/jobs/" });
  const matches = ["/jobs", "/jobs/", "/jobs/tasks?x=1", "/jobsx", "/", "/x/jobs/"].map((path) =>
    jobs.matches(new Request(`http://localhost${path}`))
  );
  assertEquals(matches, [true, true, true, false, false, false]);
  assertEquals(await (await asked(jobs, "/jobs/healthz")).json(), { status: "ok" });
  await assertProblem(await asked(jobs, "/healthz"), 404);
});

Deno.test("matches() is false for a path that only looks like Headway's, and throws for no request", async () => {
  await using jobs = await started({ path: "/jobs" });
  const beside = [
    "/jobs/../admin",
    "/jobs/%2e%2e/admin",
    "/jobs\\..\\admin",
    "/jobs%2ftasks",
    "/%6aobs/tasks",
    "/JOBS/tasks",
    "//jobs/tasks",
    "/x/..//jobs/tasks",
  ];
  for (const path of beside) {
    const raw = { url: `http://localhost${path}` } as Request;
    assertEquals(jobs.matches(raw), false, path);
  }
  assertEquals(jobs.matches({ url: "http://localhost/x/../jobs/tasks" } as Request), true);
  // The URL that `Deno.serve` makes from an invalid Host.
  assertEquals(jobs.matches({ url: "http://[/jobs/" } as Request), false);
  for (const path of ["/jobs/%2e%2e%2fadmin", "/jobs//tasks", "/jobs/tasks%2fcounts"]) {
    await assertProblem(await asked(jobs, path), 404);
  }
  // The redirect stays on this origin, whatever the forwarded headers say.
  const headers = { "x-forwarded-prefix": "//evil.example", "x-forwarded-host": "evil.example" };
  await using trusting = await started({ path: "/jobs", trustProxy: true });
  const moved = await asked(trusting, "/jobs?to=//evil.example", { headers });
  assertEquals([moved.status, moved.headers.get("location")], [
    307,
    "/jobs/?to=//evil.example",
  ]);
});

Deno.test("watch() yields the events of the HTTP stream, and resumes after any of its ids", async () => {
  await using jobs = await started();
  const { task_id } = await jobs.submit<typeof rows>("rows");
  const events = await Array.fromAsync(jobs.watch<typeof rows>(task_id));
  assertEquals(events.at(-1)?.type, "complete");
  for (const after of ["0", ...events.map(({ id }) => id)]) {
    const watched = await Array.fromAsync(jobs.watch(task_id, { after }));
    const headers = { "last-event-id": after, accept: "text/event-stream" };
    const response = await asked(jobs, `/tasks/${task_id}/stream`, { headers });
    const text = await response.text();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id!);
    assertEquals(watched.map(({ id }) => id), response.status === 204 ? [] : ids, after);
  }
  const types = events.filter(({ type }) => type !== "progress").map(({ type }) => type);
  assertEquals(types, ["log", "output", "log", "output", "log", "output", "complete"]);
});

Deno.test("watch() ends with its signal, its loop or the server, and leaves no stream behind", async () => {
  const gate = crypto.randomUUID();
  const jobs = await started();
  const { server } = jobs;
  const { task_id } = await jobs.submit<typeof held>("held", gate);
  for await (const event of jobs.watch(task_id)) {
    assertEquals(event.type, "progress");
    break;
  }
  await eventually(() => assertEquals(server.pulse.streams.length, 0));

  const leave = new AbortController();
  const left = Array.fromAsync(jobs.watch(task_id, { signal: leave.signal }));
  await eventually(() => assertEquals(server.pulse.streams.length, 1));
  leave.abort(new Error("seen enough"));
  await assertRejects(() => left, Error, "seen enough");
  await eventually(() => assertEquals(server.pulse.streams.length, 0));

  const open = Array.fromAsync(jobs.watch(task_id));
  await eventually(() => assertEquals(server.pulse.streams.length, 1));
  openGate(gate);
  assertEquals((await open).at(-1)?.type, "complete");

  const second = await jobs.submit("held", crypto.randomUUID());
  const cut = assertRejects(() => Array.fromAsync(jobs.watch(second.task_id)), DOMException);
  await eventually(() => assertEquals(server.pulse.streams.length, 1));
  await jobs[Symbol.asyncDispose]();
  assertStringIncludes((await cut).message, "closed");
  await assertRejects(() => Array.fromAsync(jobs.watch(second.task_id)), DOMException);
});

Deno.test("watch() does not count toward maxStreams and maxStreamsPerClient", async () => {
  await using jobs = await started({ maxStreams: 2, maxStreamsPerClient: 1 });
  const gate = crypto.randomUUID();
  const { task_id } = await jobs.submit("held", gate);
  const watches = Array.from({ length: 5 }, () => Array.fromAsync(jobs.watch(task_id)));
  await eventually(() => assertEquals(jobs.server.pulse.streams.length, 5));
  const response = await asked(jobs, `/tasks/${task_id}/stream`);
  await eventually(() => assertEquals(jobs.server.pulse.streams.length, 6));
  await response.body?.cancel();
  openGate(gate);
  for (const events of await Promise.all(watches)) assertEquals(events.at(-1)?.type, "complete");
});

Deno.test("get(), list(), cancel() and retry() do what the API does", async () => {
  await using jobs = await started();
  const { task_id: first } = await jobs.submit<typeof rows>("rows", undefined, { priority: 3 });
  await Array.fromAsync(jobs.watch(first));
  const done = await jobs.get<typeof rows>(first);
  assertEquals([done?.status, done?.result, done?.priority], ["completed", "done", 3]);
  assertEquals([await jobs.get("nothing"), await jobs.get(first.replace(/.$/, "0"))], [null, null]);

  const { task_id: second } = await jobs.submit("held", crypto.randomUUID());
  assertEquals((await jobs.cancel(second)).status, "canceled");
  const again = await jobs.retry(second);
  assertEquals([again.task_id, again.finished_at], [second, null]);
  await jobs.cancel(second);
  const { error } = await jobs.cancel(first).catch((error) => ({ error }));
  assertInstanceOf(error, HeadwayError);
  assertEquals(error.status, 409);

  const { tasks, cursor } = await jobs.list({ limit: 1 });
  assertEquals(tasks.map(({ task_id }) => task_id), [second]);
  assert(cursor !== null);
  const rest = await jobs.list({ cursor, kind: ["rows", "held"], status: "completed" });
  assertEquals([rest.tasks.map(({ task_id }) => task_id), rest.cursor], [[first], null]);
  const createdBefore = new Date(0);
  assertEquals((await jobs.list({ createdBefore, text: "x" })).tasks, []);
});

Deno.test("get(), cancel() and retry() find no task for an invalid id, and reach no other route", async () => {
  await using jobs = await started();
  const { task_id } = await jobs.submit("rows");
  for (const id of ["stream", "stream-all", "counts", "", "..", ".", `${task_id}/details`]) {
    assertEquals(await jobs.get(id), null, id);
    for (const call of [() => jobs.cancel(id), () => jobs.retry(id)]) {
      assertEquals((await assertRejects(call, HeadwayError)).status, 404, id);
    }
  }
  assertEquals((await jobs.get(task_id.toLowerCase()))?.task_id, task_id);
});

Deno.test("list() refuses an empty owner, kind or status, instead of listing all tasks", async () => {
  await using jobs = await started();
  await jobs.submit("rows", undefined, { owner: "acme" });
  const cases: [ListQuery, string][] = [[{ owner: "" }, "owner"], [{ kind: [] }, "kind"], [
    { status: [] },
    "status",
  ], [{ kind: "" }, "kind"]];
  for (const [query, field] of cases) {
    const error = await assertRejects(() => jobs.list(query), HeadwayError);
    assertEquals([error.status, error.field], [400, field]);
  }
  const all = { owner: undefined, tag: [], text: "", cursor: undefined };
  assertEquals((await jobs.list(all)).tasks.length, 1);
});

Deno.test("submit() keeps the idempotencyKeys of different owners apart", async () => {
  await using jobs = await started();
  const submitFor = async (owner?: string) =>
    (await jobs.submit("rows", undefined, { owner, idempotencyKey: "one" })).task_id;
  const ids = [await submitFor("acme"), await submitFor("globex"), await submitFor()];
  assertEquals(new Set(ids).size, 3);
  assertEquals([await submitFor("acme"), await submitFor("globex"), await submitFor()], ids);
});

Deno.test("headway() listens on 127.0.0.1 by default, with 'insecure' and with authorize() too", async () => {
  for (const more of [{ insecure: true }, { authorize: () => null }]) {
    await using jobs = await started({ ...more, port: 0, opsPort: 0 });
    const { url, opsUrl, config: { host } } = jobs.server;
    const hosts = [url, opsUrl].map((url) => new URL(url).hostname);
    assertEquals([...hosts, host], ["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
  }
  // Where the program listens, Headway answers to any host name.
  await using mounted = await started({ authorize: () => null, opsPort: 0 });
  const request = new Request("http://x.example/healthz", { headers: { host: "x.example" } });
  assertEquals((await mounted.fetch(request, { remoteAddr: AWAY })).status, 200);
  assertEquals(new URL(mounted.server.opsUrl).hostname, "127.0.0.1");
});

Deno.test("submit() says that there are no kinds", async () => {
  await using jobs = await started({ kinds: [] });
  await assertRejects(
    () => jobs.submit("row"),
    HeadwayError,
    "There is no kind 'row': there are none",
  );
});

Deno.test("submit() says which field is wrong", async () => {
  await using jobs = await started();
  const wrong = await assertRejects(
    () => jobs.submit("row"),
    HeadwayError,
    "There is no kind 'row'",
  );
  assertEquals([wrong.status, wrong.field], [422, "kind"]);
  const late = await assertRejects(
    () => jobs.submit("rows", undefined, { priority: 1000 }),
    HeadwayError,
  );
  assertEquals([late.status, late.field], [400, "priority"]);
});

Deno.test("submit() refuses an input that JSON cannot hold, says where, and refuses one that is too large", async () => {
  await using jobs = await started();
  const cases: [unknown, number, string, string][] = [
    [{ ids: new Set([1]) }, 422, "input.ids", "a Set cannot be stored as JSON"],
    [{ rows: [{ n: NaN }] }, 422, "input.rows[0].n", "NaN"],
    [10n, 422, "input", "BigInt"],
    ["x".repeat(60_000), 413, "input", "60002 bytes"],
  ];
  for (const [input, status, field, message] of cases) {
    const error = await assertRejects(() => jobs.submit("rows", input), HeadwayError, message);
    assertEquals([error.status, error.field], [status, field]);
  }
  const when = new Date(0);
  const { task_id } = await jobs.submit("rows", { when, left: undefined });
  assert(await jobs.get(task_id));
});

Deno.test("after close() calls reject with an AbortError, and fetch() answers 503", async () => {
  const jobs = await started();
  await jobs.close({ drainMs: 0 });
  for (
    const call of [
      () => jobs.submit("rows"),
      () => jobs.get("x"),
      () => jobs.list(),
      () => jobs.cancel("x"),
      () => Array.fromAsync(jobs.watch("x")),
    ]
  ) {
    assertEquals((await assertRejects(call, DOMException, "closed")).name, "AbortError");
  }
  const { error } = await assertProblem(await asked(jobs, "/tasks"), 503);
  assertEquals(error, "Headway was closed");
  // A second call is allowed.
  await jobs.close();
});

Deno.test("a task that runs in the program's process may submit another task, and watch it", async () => {
  const both = defineTask({
    kind: "both",
    async *run() {
      const { task_id } = await jobs.submit<typeof rows>("rows");
      let outputs = 0;
      for await (const { type } of jobs.watch(task_id)) {
        if (type === "output") yield { progress: 30 * ++outputs };
      }
      return outputs;
    },
  });
  await using jobs = await started({ kinds: { rows, both } });
  const events = await Array.fromAsync(jobs.watch((await jobs.submit("both")).task_id));
  const last = events.at(-1);
  assert(last?.type === "complete");
  assertEquals([last.data.status, last.data.result], ["completed", 3]);
});

Deno.test("onError gets each failed attempt, here and in task processes, with its error, stack and cause", async () => {
  const thrown = new RangeError("mine", { cause: new Error("deeper") });
  const fails = defineTask({
    kind: "fails",
    retry: { maxAttempts: 2, baseMs: 0 },
    // deno-lint-ignore require-yield -- a task that has nothing to tell
    async *run() {
      throw thrown;
    },
  });
  const told: [error: unknown, failed: FailedAttempt][] = [];
  await using jobs = await started({
    kinds: [fails, new URL("../helpers/kinds.ts", import.meta.url)],
    onError: (error, failed) => {
      told.push([error, failed]);
      throw new Error("of the hook");
    },
  });
  await jobs.server.kinds.loaded;
  const { task_id: here } = await jobs.submit("fails");
  const { task_id: there } = await jobs.submit("throws", {});
  for (const id of [here, there]) await Array.fromAsync(jobs.watch(id));
  const of = (id: string) => told.filter(([, { taskId }]) => taskId === id);
  assertEquals(of(here).map(([error]) => error), [thrown, thrown]);
  const both = { taskId: here, kind: "fails", maxAttempts: 2 };
  assertEquals(of(here).map(([, failed]) => failed), [
    { ...both, attempt: 1, willRetry: true },
    { ...both, attempt: 2, willRetry: false },
  ]);
  const [[error, failed]] = of(there) as [[Error, FailedAttempt]];
  assertInstanceOf(error, Error);
  assertStringIncludes(error.stack ?? "", "helpers/kinds.ts");
  assertEquals([failed.attempt, failed.willRetry], [1, false]);
  assertEquals((await jobs.get(here))!.error!.message, "mine");
  assertEquals(told.length, 3);
});

Deno.test("headway() leaves a store that it was given open, and refuses one with other data", async () => {
  using kv = await Deno.openKv(":memory:");
  {
    await using jobs = await started({ kv });
    await Array.fromAsync(jobs.watch((await jobs.submit("rows")).task_id));
  }
  await using again = await started({ kv });
  assertEquals((await again.list()).tasks.map(({ kind }) => kind), ["rows"]);

  using other = await Deno.openKv(":memory:");
  await other.set(["task", "mine"], "not a task");
  await assertRejects(() => started({ kv: other }), Error, "data that is not Headway's");
  const left = await Array.fromAsync(other.list({ prefix: [] }), ({ key }) => key);
  assertEquals(left, [["task", "mine"]]);
});

Deno.test("headway() takes a store's path or file URL, and refuses a store that is in use", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/jobs.db`;
  {
    await using jobs = await started({ kv: path });
    await jobs.submit("rows");
  }
  await using jobs = await started({ kv: new URL(`file://${path}`) });
  assertEquals((await jobs.list()).tasks.length, 1);
  await assertRejects(
    () => started({ kv: path }),
    Error,
    "set kv to the URL of a KV Connect server",
  );
});

Deno.test("headway() refuses a wrong option with an error that names it", async () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ port: -1 }, "port must be a whole number"],
    [{ maxBody: "1 MB" }, "maxBody must be a whole number of bytes"],
    [{ path: "jobs" }, "path must be a path such as /jobs"],
    [{ role: "both" }, "role must be web, worker or all"],
    [{ hosts: { x: 1 } }, "'hosts' must be a text, a number or a list"],
    [{ prot: 1 }, "There is no option 'prot': there are host, port, path"],
    [{ kinds: [() => {}] }, "'kinds' must be URLs"],
    [
      { kinds: { rows: 1 } },
      "'kinds' cannot be used: It exports no task: export what defineTask() returns",
    ],
    [{ kinds: [rows, defineTask({ kind: "rows", run: rows.run })] }, "'rows' twice"],
    [{ authorize: "me" }, "'authorize' must be a function"],
    [{ onError: 1 }, "'onError' must be a function"],
    [{ tokens: "me:admin:short" }, "tokens must be name:scope"],
    [
      { tokens: "me:admin:admin-secret-0123456789", authorize: () => null },
      "tokens must not be set together with 'authorize'",
    ],
    [{ host: "0.0.0.0" }, "Others can reach 0.0.0.0"],
  ];
  for (const [options, message] of cases) {
    await assertRejects(() => started(options as HeadwayOptions), Error, message);
  }
});

Deno.test("headway() without a login answers only this machine, under a name of this machine", async () => {
  await using jobs = await started();
  assertEquals((await asked(jobs, "/tasks")).status, 200);
  for (const hostname of ["::1", "::ffff:127.0.0.1"]) {
    assertEquals((await asked(jobs, "/tasks", {}, { ...AT_HOME, hostname })).status, 200);
  }
  assertEquals((await asked(jobs, "/tasks", {}, { transport: "unix", path: "" })).status, 200);
  await assertProblem(await asked(jobs, "/tasks", {}, AWAY), 403);
  const guest: Deno.VsockAddr = { transport: "vsock", cid: 3, port: 1 };
  await assertProblem(await asked(jobs, "/tasks", {}, guest), 403);
  const headers = { host: "localhost" };
  await assertProblem(await jobs.fetch(new Request("http://localhost/tasks", { headers })), 403);
  for (const info of [{}, "x", { remoteAddr: null }, { remoteAddr: { hostname: 1 } }]) {
    const request = new Request("http://localhost/tasks", { headers });
    await assertProblem(await jobs.fetch(request, info), 403);
  }
  const rebound = new Request("http://evil.example/", { headers: { host: "evil.example" } });
  await assertProblem(await jobs.fetch(rebound, { remoteAddr: AT_HOME }), 421);

  await using open = await started({ insecure: true });
  assertEquals((await asked(open, "/tasks", {}, AWAY)).status, 200);
});
