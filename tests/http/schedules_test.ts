import { assert, assertEquals, assertMatch } from "@std/assert";
import { defineTask, type TaskRecord } from "headway";
import { z } from "zod";
import { keys } from "../../lib/kv/keys.ts";
import type { StoredSchedule } from "../../lib/kv/schedules.ts";
import type { Server } from "../../lib/server.ts";
import { SCHEMAS } from "../../routes/openapi/schemas.ts";
import { bearer, finished, post } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";

/** A cron pattern that is due too seldom for a test to see. */
const YEARLY = "0 0 1 1 *";

/** The same for ever, so that it does not depend on the day of the test which times a span holds. */
const NOW = Date.UTC(2030, 5, 15, 12);
const now = () => NOW;

const input = z.object({ steps: z.number(), pages: z.number().default(7) })
  .default({ steps: 1, pages: 7 });

/** No upload has this id. */
const GONE = "01JD0000000000000000000000";

async function* run() {
  yield 1;
}

const tasks = {
  count: defineTask({ kind: "count", input, run }),
  plain: defineTask({ kind: "plain", run }),
  yearly: defineTask({
    kind: "yearly",
    input,
    schedule: {
      cron: YEARLY,
      zone: "Asia/Tokyo",
      input: { steps: 1 },
      missed: "all",
      jitter: { seconds: 1 },
    },
    run,
  }),
};

/** Starts a server with these kinds and no others, at whose clock it is always `NOW`. */
function serve(settings: Record<string, string> = {}): Promise<Server> {
  return testApp({ HEADWAY_KINDS: "", HEADWAY_SHIPPED_KINDS: "0", ...settings }, { tasks, now });
}

// deno-lint-ignore no-explicit-any -- JSON, whose shape the schemas assert
type Schedule = any;

async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function schedule(response: Promise<Response>, status = 200): Promise<Schedule> {
  const answer = await response;
  const body = await answer.json();
  assertEquals(answer.status, status, JSON.stringify(body));
  return SCHEMAS.Schedule.parse(body);
}

/** Sets a schedule back by milliseconds, as if no process had been running since. */
async function putBack({ engine: { store } }: Server, id: string, by: number): Promise<void> {
  const key = keys.schedule(id);
  const { value, versionstamp } = await store.kv.get<StoredSchedule>(key);
  assert(value);
  const slots = { ...value.slots, cursor: store.now() - by };
  const done = await store.kv.atomic().check({ key, versionstamp })
    .set(key, { ...value, slots }).set(keys.schedulesHead, { own: 1 }).commit();
  assert(done.ok);
}

Deno.test("POST /schedules makes a schedule, and one task makes up for the times that it missed", async () => {
  await using app = await serve();
  const made = await schedule(
    post(`${app.url}/schedules`, {
      schedule_id: "nightly",
      kind: "count",
      cron: "30 2 * * *",
      zone: "Europe/Berlin",
      input: { steps: 1 },
      tags: ["night"],
    }),
    201,
  );
  assertEquals([made.schedule_id, made.source, made.missed, made.overlap], [
    "nightly",
    "api",
    "one",
    "skip",
  ]);
  assertEquals([made.next.length, made.paused, made.problem, made.created_by], [
    5,
    null,
    null,
    "anonymous",
  ]);
  // Two nights without a process: one task makes up for both, and an outcome tells of the other.
  await putBack(app, "nightly", 48 * 3600_000);
  app.engine.scheduler!.wake();
  const { outcomes } = await eventually(async () => {
    const got = await schedule(fetch(`${app.url}/schedules/nightly`));
    assertEquals(got.made, 1);
    return got;
  });
  const [skip, task] = outcomes;
  assertEquals([skip.type, skip.reason, skip.count], ["skip", "missed", 1]);
  assertEquals(skip.message, "skipped: no process was running at that time");
  assertEquals(task.scheduled_for, "2030-06-15T00:30:00.000Z");
  const record: TaskRecord = await finished(app.url, task.task_id);
  assertEquals([record.schedule_id, record.scheduled_for, record.tags, record.status], [
    "nightly",
    task.scheduled_for,
    ["night"],
    "completed",
  ]);
  // The schema has added its defaults.
  const details = await (await fetch(`${app.url}/tasks/${task.task_id}/details`)).json();
  assertEquals(details.input, { steps: 1, pages: 7 });
  const [entry] = (await (await fetch(`${app.url}/kinds/count/audit`)).json()).entries;
  assertEquals([entry.action, entry.schedule_id, entry.by], [
    "schedule-create",
    "nightly",
    "anonymous",
  ]);
});

Deno.test("/schedules/{id}: PATCH changes or pauses it, POST …/run makes a task now, DELETE removes it", async () => {
  await using app = await serve();
  const url = `${app.url}/schedules`;
  await schedule(post(url, { schedule_id: "a", kind: "count", cron: YEARLY }), 201);
  const paused = await schedule(send("PATCH", `${url}/a`, { paused: true, reason: "no paper" }));
  assertEquals([paused.next, paused.paused.reason, paused.paused.by], [
    [],
    "no paper",
    "anonymous",
  ]);
  await putBack(app, "a", 400 * 24 * 3600_000);
  const resumed = await schedule(send("PATCH", `${url}/a`, { paused: false, cron: "0 0 2 1 *" }));
  assertEquals([resumed.paused, resumed.cron, resumed.outcomes[0].reason], [
    null,
    "0 0 2 1 *",
    "paused",
  ]);
  assertMatch(resumed.next[0], /-01-02T00:00:00.000Z$/);
  const key = { "idempotency-key": "now" };
  const run = await post(`${url}/a/run`, undefined, key);
  const { task_id, schedule_id, scheduled_for }: TaskRecord = await run.json();
  assertEquals([run.status, schedule_id, scheduled_for], [201, "a", undefined]);
  const again = await post(`${url}/a/run`, undefined, key);
  assertEquals([again.status, (await again.json()).task_id], [200, task_id]);
  await finished(app.url, task_id);
  const { outcomes, made } = await schedule(fetch(`${url}/a`));
  assertEquals([outcomes.at(-1).task_id, outcomes.at(-1).by, made], [task_id, "anonymous", 0]);
  const page = SCHEMAS.SchedulePage.parse(await (await fetch(`${url}?kind=count`)).json());
  assertEquals(page.schedules.map(({ schedule_id }) => schedule_id), ["a"]);
  assertEquals((await send("DELETE", `${url}/a`)).status, 204);
  await assertProblem(await fetch(`${url}/a`), 404);
});

Deno.test("POST and PATCH /schedules refuse invalid values, and POST names the field", async () => {
  await using app = await serve({ HEADWAY_MAX_SCHEDULES: "1" });
  const url = `${app.url}/schedules`;
  const wrong: [body: Record<string, unknown>, status: number, field: string][] = [
    [{ kind: "count", cron: "61 * * * *" }, 422, "cron"],
    [{ kind: "count", cron: "* * * *" }, 422, "cron"],
    [{ kind: "count", cron: "0 0 30 2 *" }, 422, "cron"],
    [{ kind: "count", cron: YEARLY, zone: "Mars/Olympus" }, 422, "zone"],
    [{ kind: "count", cron: YEARLY, zone: "+01:00" }, 422, "zone"],
    [{ kind: "unknown", cron: YEARLY }, 422, "kind"],
    [{ kind: "count", cron: YEARLY, input: { steps: "x" } }, 422, "input.steps"],
    [{ kind: "count", cron: YEARLY, missed: "some" }, 400, "missed"],
    [{ kind: "count", cron: YEARLY, overlap: "wait" }, 400, "overlap"],
    [{ kind: "count", cron: YEARLY, jitter_ms: -1 }, 400, "jitter_ms"],
    [{ kind: "count", cron: YEARLY, schedule_id: "kind:count" }, 400, "schedule_id"],
    [{ kind: "count" }, 400, "cron"],
    [{ kind: "plain", cron: YEARLY, input: { upload: "x" } }, 422, "input.upload"],
    [{ kind: "plain", cron: YEARLY, input: { uploads: [GONE] } }, 422, "input.uploads.0"],
    [{ kind: "count", cron: YEARLY, jitter: 5 }, 400, "jitter"],
  ];
  for (const [body, status, field] of wrong) {
    const problem = await assertProblem(await post(url, body), status);
    assertEquals(problem.field, field, JSON.stringify(body));
  }
  await schedule(post(url, { schedule_id: "a", kind: "count", cron: YEARLY }), 201);
  const twice = { schedule_id: "a", kind: "count", cron: YEARLY };
  assertEquals((await assertProblem(await post(url, twice), 409)).field, "schedule_id");
  await assertProblem(await post(url, { kind: "count", cron: YEARLY }), 409);
  await assertProblem(await send("PATCH", `${url}/a`, { zone: "X" }), 422);
  await assertProblem(await send("PATCH", `${url}/a`, { reason: "x" }), 400);
  await assertProblem(await send("PATCH", `${url}/a`, { input: { steps: "x" } }), 422);
  await assertProblem(await send("PATCH", `${url}/none`, { paused: true }), 404);
  await assertProblem(await post(`${url}/none/run`), 404);
});

Deno.test("a kind's own schedule exists once the kind is loaded, and can be paused but not changed", async () => {
  await using app = await serve();
  const url = `${app.url}/schedules/kind:yearly`;
  const defined = await eventually(() => schedule(fetch(url)));
  assertEquals([defined.source, defined.cron, defined.zone, defined.missed, defined.overlap], [
    "kind",
    YEARLY,
    "Asia/Tokyo",
    "all",
    "queue",
  ]);
  assertEquals([defined.input, defined.jitter_ms], [{ steps: 1 }, 1000]);
  await assertProblem(await send("PATCH", url, { cron: "* * * * *" }), 409);
  await assertProblem(await send("DELETE", url), 409);
  assertEquals((await schedule(send("PATCH", url, { paused: true }))).next, []);
});

Deno.test("a submit token sees and changes only its own schedules, and an admin token all", async () => {
  const secrets = { ann: "a".repeat(16), bob: "b".repeat(16), ops: "o".repeat(16) };
  const tokens =
    `ann:submit:${secrets.ann},bob:submit:${secrets.bob},ops:admin+read:${secrets.ops}`;
  await using app = await serve({ HEADWAY_TOKENS: tokens });
  const url = `${app.url}/schedules`;
  const [ann, bob, ops] = [bearer(secrets.ann), bearer(secrets.bob), bearer(secrets.ops)];
  const body = { schedule_id: "hers", kind: "count", cron: YEARLY };
  const made = await schedule(post(url, body, ann), 201);
  assertEquals(made.created_by, undefined);
  await schedule(send("PATCH", `${url}/hers`, { paused: true }, ann));
  await assertProblem(await fetch(`${url}/hers`, { headers: bob }), 404);
  await assertProblem(await send("PATCH", `${url}/hers`, { paused: false }, bob), 404);
  await assertProblem(await post(`${url}/hers/run`, undefined, bob), 404);
  assertEquals((await (await fetch(url, { headers: bob })).json()).schedules, []);
  await assertProblem(await fetch(url), 401);
  await assertProblem(await send("PATCH", `${url}/kind:yearly`, { paused: true }, ann), 404);
  const seen = await schedule(fetch(`${url}/hers`, { headers: ops }));
  assertEquals([seen.created_by, seen.paused.by], ["ann", "ann"]);
  assertEquals((await send("DELETE", `${url}/hers`, undefined, ops)).status, 204);
});

Deno.test("if two processes define a kind's schedule differently, that of the process begun last counts", async () => {
  using kv = await Deno.openKv(":memory:");
  const settings = { HEADWAY_KINDS: "", HEADWAY_SHIPPED_KINDS: "0" };
  const version = (cron: string) => ({
    report: defineTask({ kind: "report", schedule: { cron, overlap: "allow" }, run }),
  });
  await using old = await testApp(settings, { kv, tasks: version(YEARLY) });
  const url = `${old.url}/schedules/kind:report`;
  await eventually(() => schedule(fetch(url)));
  const { updated_at, cron } = await (async () => {
    await using deployed = await testApp(settings, { kv, tasks: version("* * * * * *") });
    const changed = await eventually(async () => {
      const got = await schedule(fetch(url));
      // Both processes see each second come.
      assert(got.made >= 3);
      return got;
    });
    for (let turns = 0; turns < 5; turns++) {
      await Promise.all([old, deployed].map(({ engine }) => engine.scheduler!.turn()));
    }
    const { updated_at } = await schedule(fetch(url));
    assertEquals(updated_at, changed.updated_at);
    return changed;
  })();
  assertEquals(cron, "* * * * * *");
  const { tasks: all } = await (await fetch(`${old.url}/tasks?limit=500`)).json();
  const times = all.map(({ scheduled_for }: TaskRecord) => scheduled_for);
  assertEquals(new Set(times).size, times.length);
  // The new process has ended, so the definition of the old one counts again.
  old.engine.scheduler!.wake();
  await eventually(async () => {
    const back = await schedule(fetch(url));
    assertEquals(back.cron, YEARLY);
    assert(back.updated_at > updated_at);
  });
});

Deno.test("a schedule that a deploy removes is deleted once the times that have come have their tasks", async () => {
  using kv = await Deno.openKv(":memory:");
  const settings = { HEADWAY_KINDS: "", HEADWAY_SHIPPED_KINDS: "0" };
  const report = { kind: "report", run };
  const yearly = { cron: YEARLY, missed: "all" } as const;
  {
    const tasks = { report: defineTask({ ...report, schedule: yearly }) };
    await using old = await testApp(settings, { kv, tasks, now });
    await eventually(() => schedule(fetch(`${old.url}/schedules/kind:report`)));
    await old.engine.scheduler!.stop();
    await putBack(old, "kind:report", 800 * 24 * 3600_000);
  }
  const tasks = { report: defineTask(report) };
  await using deployed = await testApp(settings, { kv, tasks, now });
  await eventually(async () => {
    await assertProblem(await fetch(`${deployed.url}/schedules/kind:report`), 404);
  });
  const { tasks: made } = await (await fetch(`${deployed.url}/tasks`)).json();
  const times = made.map(({ scheduled_for }: TaskRecord) => scheduled_for).sort();
  assertEquals(times, ["2029-01-01T00:00:00.000Z", "2030-01-01T00:00:00.000Z"]);
});
