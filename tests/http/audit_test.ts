import { assertEquals } from "@std/assert";
import type { StepRow, TaskRecord } from "headway";
import type { Server } from "../../lib/server.ts";
import { bearer, finished, post, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/gate.ts";
import { testApp } from "../helpers/server.ts";

/** The secret of the token with this name. */
function secretOf(name: string): string {
  return `${name}-secret-0123456789`;
}

const NAMES = ["ada", "bob", "eve"];
const HEADWAY_TOKENS = NAMES.map((name) => `${name}:admin:${secretOf(name)}`).join(",");

function as(name: string): Record<string, string> {
  return bearer(secretOf(name));
}

async function submitAs(app: Server, name: string, body: object): Promise<TaskRecord> {
  const response = await post(`${app.url}/tasks`, body, as(name));
  return await response.json();
}

async function act(app: Server, name: string, path: string, body?: unknown): Promise<void> {
  const response = await post(app.url + path, body, as(name));
  const text = await response.text();
  assertEquals(response.ok, true, text);
}

/** The status changes that somebody asked for and the signals that were taken, from the history. */
async function asked(app: Server, id: string): Promise<string[]> {
  const response = await fetch(`${app.url}/tasks/${id}/events?limit=1000`, { headers: as("ada") });
  const { events } = await response.json() as {
    events: ({ event: "message"; data: TaskRecord } | { event: "step"; data: StepRow })[];
  };
  const told = events.flatMap(({ event, data }) => {
    if (data.by === undefined) return [];
    const what = event === "message" && data.cancel_requested ? "cancel" : data.status;
    return [`${what} by ${data.by}`];
  });
  // The cancel of a running task has two rows: it is asked for, and then done.
  return told.filter((row, n) => row !== told[n - 1]);
}

Deno.test("a task's history names who submitted, canceled, retried or signaled it, and nobody for other rows", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const later = { kind: "demo", input: {}, delay_ms: 3_600_000 };
  const { task_id: id, by } = await submitAs(app, "ada", later);
  assertEquals(by, "ada");
  await act(app, "bob", `/tasks/${id}/cancel`);
  await act(app, "eve", `/tasks/${id}/retry`);
  await act(app, "ada", "/tasks/bulk", { action: "cancel", ids: [id] });
  assertEquals(await asked(app, id), [
    "pending by ada",
    "cancel by bob",
    "pending by eve",
    "cancel by ada",
  ]);

  const { task_id: runs } = await submitAs(app, "ada", { kind: "gated", input: { gate: "audit" } });
  const running = await taskWhen(app.url, runs, ({ status }) => status === "running", as("ada"));
  assertEquals(running.by, undefined);
  await act(app, "bob", `/tasks/${runs}/cancel`);
  const canceled = await finished(app.url, runs, as("ada"));
  openGate("audit");
  assertEquals([canceled.status, canceled.by], ["canceled", "bob"]);
  assertEquals(await asked(app, runs), ["pending by ada", "cancel by bob"]);

  const { task_id: asks } = await submitAs(app, "ada", { kind: "asks", input: {} });
  await taskWhen(app.url, asks, ({ status }) => status === "waiting", as("ada"));
  await act(app, "eve", `/tasks/${asks}/signals/approve`, { ok: true });
  const completed = await finished(app.url, asks, as("ada"));
  assertEquals([completed.status, completed.by], ["completed", undefined]);
  assertEquals(await asked(app, asks), ["pending by ada", "pending by eve", "done by eve"]);
});

Deno.test("GET /kinds/{kind}/audit says who deleted which task, singly or in bulk, and refuses a submit token", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS: `${HEADWAY_TOKENS},sub:submit:${secretOf("sub")}`,
  });
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { task_id } = await submitAs(app, "ada", { kind: "says", input: { texts: [] } });
    await finished(app.url, task_id, as("ada"));
    ids.push(task_id);
  }
  const [first, ...others] = ids;
  const removed = await fetch(`${app.url}/tasks/${first}`, {
    method: "DELETE",
    headers: as("bob"),
  });
  assertEquals(removed.status, 204);
  await act(app, "eve", "/tasks/bulk", { action: "delete", ids: others });
  const audit = async (query = "", who = "ada") => {
    const response = await fetch(`${app.url}/kinds/says/audit${query}`, { headers: as(who) });
    const { entries = [] } = await response.json();
    return { status: response.status, entries };
  };
  const { entries } = await audit();
  const told = entries.map((it: Record<string, string>) => [it.action, it.by, it.task_id]);
  assertEquals(told.at(-1), ["delete", "bob", first]);
  assertEquals(
    told.slice(0, 2).toSorted(),
    others.map((id) => ["delete", "eve", id]).toSorted(),
  );
  assertEquals((await audit("?limit=1")).entries, entries.slice(0, 1));
  assertEquals((await audit("", "sub")).status, 403);
  assertEquals(await (await fetch(`${app.url}/kinds/demo/audit`, { headers: as("ada") })).json(), {
    entries: [],
  });
});

Deno.test("a row's 'by' is what a signed token is for, and 'anonymous' for a client of an open server", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const later = { kind: "demo", input: {}, owner: "acme", delay_ms: 3_600_000 };
  for (const [subject, by] of [[true, "task token"], [false, "token of acme"]] as const) {
    const { task_id } = await submitAs(app, "ada", later);
    const body = { can: ["cancel"], ...(subject ? { task_id } : { owner: "acme" }) };
    const { token } = await (await post(`${app.url}/tokens`, body, as("ada"))).json();
    const answer = await post(`${app.url}/tasks/${task_id}/cancel`, undefined, bearer(token));
    await answer.body?.cancel();
    assertEquals(await asked(app, task_id), ["pending by ada", `cancel by ${by}`]);
  }
  await using open = await testApp();
  const response = await post(`${open.url}/tasks`, later);
  assertEquals((await response.json()).by, "anonymous");
});
