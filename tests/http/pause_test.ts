import { assertEquals } from "@std/assert";
import { bearer, finished, getTask, post, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/kinds.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";

const SECRETS = { ada: "ada-secret-0123456789", read: "read-secret-0123456789" };
const HEADWAY_TOKENS = [
  `ada:admin:${SECRETS.ada}`,
  `reader:read:${SECRETS.read}`,
  `of-acme:submit@acme:acme-secret-0123456789`,
  `admin-of-acme:admin@acme:acme-admin-0123456789`,
].join();

Deno.test("POST /kinds/{kind}/pause lets no task of the kind start, and GET /kinds says who paused it and why", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const ada = bearer(SECRETS.ada);
  const acme = bearer("acme-secret-0123456789");
  const json = async (path: string, headers: Record<string, string>) =>
    await (await fetch(app.url + path, { headers })).json();
  const take = async (input: unknown) =>
    await (await post(`${app.url}/tasks`, { kind: "gated", owner: "acme", input }, ada)).json();
  const { task_id: runs } = await take({ gate: "pause" });
  await eventually(async () => assertEquals((await json(`/tasks/${runs}`, ada)).status, "running"));

  const asked = await post(
    `${app.url}/kinds/gated/pause`,
    { reason: " The partner is down " },
    ada,
  );
  const { kind, paused: { since, ...why } } = await asked.json();
  assertEquals([asked.status, kind, why], [200, "gated", {
    by: "ada",
    reason: "The partner is down",
  }]);
  const { task_id: waits } = await take({ gate: "pause" });
  const pausedOf = async (headers: Record<string, string>) => {
    const { kinds } = await json("/kinds", headers);
    return kinds.filter(({ paused }: { paused: unknown }) => paused !== null)
      .map(({ kind, paused }: { kind: string; paused: unknown }) => [kind, paused]);
  };
  assertEquals(await pausedOf(ada), [["gated", { since, ...why, running: 1 }]]);
  // Only callers who may read all tasks see who paused it, and why.
  assertEquals(await pausedOf(acme), [["gated", { since, by: null, reason: null, running: 1 }]]);
  const { status, waits_for, expected_start } = await json(`/tasks/${waits}/details`, ada);
  assertEquals([status, waits_for, expected_start], [
    "pending",
    { type: "pause", since, ...why },
    null,
  ]);
  assertEquals((await json(`/tasks/${waits}/details`, acme)).waits_for, {
    type: "pause",
    since,
    by: null,
    reason: null,
  });
  openGate("pause");
  await eventually(async () =>
    assertEquals((await json(`/tasks/${runs}`, ada)).status, "completed")
  );
  await eventually(async () => assertEquals((await pausedOf(ada))[0]![1].running, 0));
  assertEquals((await json(`/tasks/${waits}`, ada)).status, "pending");

  for (const secret of [SECRETS.read, "acme-secret-0123456789", "acme-admin-0123456789"]) {
    for (const action of ["pause", "resume"]) {
      const headers = bearer(secret);
      await assertProblem(await post(`${app.url}/kinds/gated/${action}`, undefined, headers), 403);
    }
  }
  const metrics = await (await fetch(`${app.url}/metrics`, { headers: ada })).text();
  assertEquals(metrics.includes('\nheadway_kind_paused{kind="gated"} 1\n'), true);
  const resumed = await post(`${app.url}/kinds/gated/resume`, undefined, ada);
  assertEquals(await resumed.json(), { kind: "gated", paused: null });
  await eventually(async () =>
    assertEquals((await json(`/tasks/${waits}`, ada)).status, "completed")
  );
  assertEquals(await pausedOf(ada), []);
  const { entries } = await json("/kinds/gated/audit", ada);
  assertEquals(entries.map(({ at: _, ...told }: { at: string }) => told), [
    { action: "resume", by: "ada" },
    { action: "pause", by: "ada", reason: "The partner is down" },
  ]);
});

Deno.test("POST /kinds/{kind}/pause refuses an invalid body or kind, and needs no reason", async () => {
  await using app = await testApp();
  const pause = `${app.url}/kinds/echo/pause`;
  for (
    const [url, body, status, field] of [
      [`${app.url}/kinds/nothing/pause`, {}, 404, "kind"],
      [`${app.url}/kinds/nothing/resume`, undefined, 404, "kind"],
      [`${app.url}/kinds/${"x".repeat(70)}/pause`, {}, 404, "kind"],
      [pause, { reason: "x".repeat(501) }, 400, "reason"],
      [pause, { reason: 1 }, 400, "reason"],
      [pause, { why: "" }, 400, "why"],
      [pause, [], 400, "body"],
    ] as const
  ) assertEquals((await assertProblem(await post(url, body), status)).field, field);
  assertEquals((await (await post(pause)).json()).paused.reason, null);
  const { task_id } = await submit(app.url, "echo", 1);
  // One of another kind, which comes after it, starts.
  const other = await submit(app.url, "says", { texts: [] });
  await finished(app.url, other.task_id);
  assertEquals((await getTask(app.url, task_id)).status, "pending");
  await (await post(`${app.url}/kinds/echo/resume`)).body?.cancel();
  await finished(app.url, task_id);
});
