import { assert, assertEquals, assertGreater } from "@std/assert";
import { finished, getTask, post, submit } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

function patch(url: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "PATCH", headers, body: JSON.stringify(body) });
}

Deno.test("POST /tasks takes 'keep' up to HEADWAY_MAX_KEEP_MS, and a retry keeps it", async () => {
  await using app = await testApp({ HEADWAY_MAX_KEEP_MS: "1000" });
  const { task_id } = await submit(app.url, "throws", {}, { keep: 1000 });
  assertEquals((await finished(app.url, task_id)).keep, 1000);
  assertEquals((await submit(app.url, "echo", 1, { keep: null })).keep, undefined);
  for (const keep of [1001, "forever"]) {
    const refused = await post(`${app.url}/tasks`, { kind: "echo", keep });
    const { field, error } = await assertProblem(refused, 422);
    assertEquals([field, error], [
      "keep",
      "'keep' must be at most 1000 milliseconds on this server",
    ]);
  }
  for (const keep of [-1, 0.5, "long", 2 ** 41, {}]) {
    const refused = await post(`${app.url}/tasks`, { kind: "echo", keep });
    const { field, error } = await assertProblem(refused, 400);
    assertEquals([field, error], [
      "keep",
      "'keep' must be milliseconds from 0 to 1099511627776, or \"forever\"",
    ]);
  }
  const again = await (await post(`${app.url}/tasks/${task_id}/retry`)).json();
  assertEquals(again.keep, 1000);
  const completed = await submit(app.url, "echo", 1, { keep: 500 });
  await finished(app.url, completed.task_id);
  const made = await (await post(`${app.url}/tasks/${completed.task_id}/retry`)).json();
  assertEquals([made.retried_from, made.keep], [completed.task_id, 500]);
});

Deno.test("PATCH /tasks/{id} changes how long a finished task is kept, without an event", async () => {
  await using app = await testApp({ HEADWAY_MAX_KEEP_MS: "0" });
  const { task_id } = await submit(app.url, "echo", { some: "result" });
  const url = `${app.url}/tasks/${task_id}`;
  const { seq, updated_at } = await finished(app.url, task_id);
  const before = await fetch(url);
  const etag = before.headers.get("etag")!;
  await before.body?.cancel();
  const changed = await (await patch(url, { keep: "forever" })).json();
  assertEquals([changed.keep, changed.seq, changed.updated_at], ["forever", seq, updated_at]);
  // The ETag changes, so a client with the old record gets the new one.
  const after = await fetch(url, { headers: { "if-none-match": etag } });
  const record = await after.json();
  assertEquals([after.status, record.keep, record.result], [200, "forever", { some: "result" }]);
  const stream = await fetch(`${url}/stream`, { headers: { "last-event-id": String(seq) } });
  assertEquals(stream.status, 204);
  assertEquals((await (await patch(url, { keep: 5 })).json()).keep, 5);
  assertEquals((await (await patch(url, { keep: null })).json()).keep, undefined);
  assertEquals((await getTask(app.url, task_id)).keep, undefined);

  const waits = await submit(app.url, "echo", 1, { delay_ms: 3_600_000 });
  await assertProblem(await patch(`${app.url}/tasks/${waits.task_id}`, { keep: 5 }), 409);
  await assertProblem(await patch(`${app.url}/tasks/01J${"0".repeat(23)}`, { keep: 5 }), 404);
  for (const body of [{}, { keep: -1 }, { keep: 5, kind: "x" }, []]) {
    await assertProblem(await patch(url, body), 400);
  }
});

Deno.test("GET /info has the size of the store, and how long finished tasks are kept", async () => {
  await using dir = await tempDir();
  await using app = await testApp({
    HEADWAY_KV: `${dir.path}/test.db`,
    HEADWAY_RETENTION_FAILED_MS: "5",
  });
  const { store, retention_ms, max_keep_ms, uploads_bytes } = await (await fetch(`${app.url}/info`))
    .json();
  assertGreater(store.used_bytes, 0);
  const week = 7 * 86_400_000;
  assertEquals(retention_ms, { completed: week, failed: 5, canceled: week });
  assertEquals([max_keep_ms, uploads_bytes], [365 * 86_400_000, 0]);
  await using nowhere = await testApp();
  assertEquals((await (await fetch(`${nowhere.url}/info`)).json()).store, null);
});

Deno.test("children have the 'keep' of their parent, and GET /kinds has the retention of each kind", async () => {
  await using app = await testApp();
  const parts = [{ kind: "echo", input: 1 }, { kind: "retained" }];
  const { task_id } = await submit(app.url, "parent", { parts }, { keep: 5000 });
  await finished(app.url, task_id);
  const { tasks } = await (await fetch(`${app.url}/tasks?parent=${task_id}`)).json();
  const children = tasks.filter((task: { parent_id?: string }) => task.parent_id === task_id);
  assertEquals(children.map(({ keep }: { keep?: number }) => keep), [5000, 5000]);
  const { kinds } = await (await fetch(`${app.url}/kinds`)).json();
  const retained = kinds.find(({ kind }: { kind: string }) => kind === "retained");
  assertEquals(retained.retention, { completed: 36_000_000, failed: null });
  assert(kinds.some(({ retention }: { retention: unknown }) => retention === null));
});
