import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { finished, post, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

type TestApp = Awaited<ReturnType<typeof testApp>>;
type Part = { kind: string; input?: unknown };

/** Submits a task that has these children. */
async function submitParent(
  { url }: TestApp,
  parts: readonly Part[],
  more: Record<string, unknown> = {},
  options: Record<string, unknown> = {},
): Promise<string> {
  return (await submit(url, "parent", { parts, ...more }, options)).task_id;
}

/** The children of a task, oldest first. */
async function childrenOf({ url }: TestApp, id: string): Promise<TaskRecord[]> {
  const { tasks } = await (await fetch(`${url}/tasks?parent=${id}&limit=500`)).json();
  return tasks.toReversed();
}

Deno.test("children() makes each child once, waits without a process, and returns the results in order", async () => {
  await using app = await testApp();
  const parts = [1, 2, 3].map((input) => ({ kind: "echo", input }));
  const gate = { kind: "gated", input: { gate: "last child" } };
  const id = await submitParent(app, [...parts, gate], {}, { owner: "ann", priority: 7 });
  const waits = await taskWhen(app.url, id, ({ children }) => children?.completed === 3);
  assertEquals(waits.waiting_for, { type: "children", name: "parts", until: null });
  const { done, total, progress, unit } = waits;
  // The last child reports 1 %.
  assertEquals([done, total, Math.floor(progress!), unit], [3, 4, 75, "tasks"]);
  const kids = await childrenOf(app, id);
  assertEquals(
    kids.map(({ parent_id, owner, priority, kind }) => [parent_id, owner, priority, kind]),
    [
      ...parts.map(() => [id, "ann", 7, "echo"]),
      [id, "ann", 7, "gated"],
    ],
  );
  openGate("last child");
  const { status, result, attempt, children, progress: whole } = await finished(app.url, id);
  assertEquals([status, result, attempt, whole], [
    "completed",
    [1, 2, 3, "let through"],
    1,
    100,
  ]);
  assertEquals(children, { total: 4, completed: 4, failed: 0, canceled: 0, running: 0 });
  assertEquals((await childrenOf(app, id)).length, 4);
});

Deno.test("children() throws once all have ended if one failed, and a retry runs only the failed child again", async () => {
  await using app = await testApp();
  const name = crypto.randomUUID();
  const id = await submitParent(app, [
    { kind: "echo", input: 1 },
    { kind: "fails-at-first", input: { name } },
  ]);
  const { status, error, children } = await finished(app.url, id);
  assertEquals([status, error?.name], ["failed", "ChildrenError"]);
  assertEquals(error?.message, `1 of 2 children of 'parts' have no result: ${name} failed`);
  assertEquals(children, { total: 2, completed: 1, failed: 1, canceled: 0, running: 0 });
  const before = await childrenOf(app, id);
  // Nobody would wait for the child alone, so it would be canceled at once.
  const alone = await post(`${app.url}/tasks/${before[1]!.task_id}/retry`);
  assertEquals((await assertProblem(alone, 409)).parent_id, id);
  const retried = await post(`${app.url}/tasks/${id}/retry`);
  assertEquals([retried.status, (await retried.json()).error], [200, null]);
  const again = await finished(app.url, id);
  assertEquals([again.status, again.result], ["completed", [1, 2]]);
  const after = await childrenOf(app, id);
  assertEquals(after.map(({ task_id }) => task_id), before.map(({ task_id }) => task_id));
  assertEquals(after[0], before[0]);
});

Deno.test("children() with onFailure 'continue' returns the outcome of each child", async () => {
  await using app = await testApp();
  const name = crypto.randomUUID();
  const id = await submitParent(app, [
    { kind: "fails-at-first", input: { name } },
    { kind: "echo", input: "fine" },
  ], { onFailure: "continue" });
  const { status, result } = await finished(app.url, id);
  const [first, second] = await childrenOf(app, id);
  assertEquals(status, "completed");
  assertEquals(result, [
    {
      status: "failed",
      result: null,
      error: { name: "Error", message: `${name} failed` },
      task_id: first!.task_id,
    },
    { status: "completed", result: "fine", error: null, task_id: second!.task_id },
  ]);
});

Deno.test("children() with onFailure 'cancel' cancels the other children when one fails", async () => {
  await using app = await testApp();
  const id = await submitParent(app, [
    { kind: "gated", input: { gate: "never opened" } },
    { kind: "fails-at-first", input: { name: crypto.randomUUID() } },
  ], { onFailure: "cancel" });
  const { status, children } = await finished(app.url, id);
  assertEquals(status, "failed");
  assertEquals(children, { total: 2, completed: 0, failed: 1, canceled: 1, running: 0 });
});

Deno.test("children() keeps no more children under way at once than 'concurrency' allows", async () => {
  await using app = await testApp();
  const gates = Array.from({ length: 5 }, (_, n) => `turn ${n}`);
  const parts = gates.map((gate) => ({ kind: "gated", input: { gate } }));
  const id = await submitParent(app, parts, { concurrency: 2 });
  for (let n = 0; n < gates.length; n++) {
    const running = Math.min(2, gates.length - n);
    await taskWhen(
      app.url,
      id,
      ({ children }) => children?.running === running && children.completed === n,
    );
    const kids = await childrenOf(app, id);
    const held = kids.filter(({ waiting_for }) => waiting_for?.type === "turn").length;
    assertEquals(held, gates.length - n - running);
    openGate(gates[n]!);
  }
  const { status, result } = await finished(app.url, id);
  assertEquals([status, result], ["completed", gates.map(() => "let through")]);
});

Deno.test("a cancel of a task cancels its children, and theirs", async () => {
  await using app = await testApp();
  const gate = { kind: "gated", input: { gate: "never opened either" } };
  const id = await submitParent(app, [gate, { kind: "parent", input: { parts: [gate, gate] } }], {
    concurrency: 2,
  });
  await taskWhen(app.url, id, ({ children }) => children?.running === 1);
  const [first, second] = await childrenOf(app, id);
  await taskWhen(app.url, second!.task_id, ({ children }) => children?.running === 2);
  const canceled = await post(`${app.url}/tasks/${id}/cancel`, undefined);
  assertEquals([canceled.status, (await canceled.json()).status], [200, "canceled"]);
  for (const { task_id } of [first!, second!, ...await childrenOf(app, second!.task_id)]) {
    assertEquals((await finished(app.url, task_id)).status, "canceled");
  }
  // A `parent` key would mean that there may still be children to cancel.
  await eventually(async () => {
    const left = app.engine.store.kv.list({ prefix: ["parent"] });
    assertEquals(await Array.fromAsync(left), []);
  });
});

Deno.test("a child with an invalid input or an unknown kind fails its parent, whose error names the child", async () => {
  await using app = await testApp();
  const cases: [Part, RegExp][] = [
    [{ kind: "gated", input: { gate: 1 } }, /^Cannot run child 1 of 'parts': input\.gate: /],
    [{ kind: "nobody-has-it" }, /child 1 of 'parts': there is no kind 'nobody-has-it'$/],
    [{ kind: "No Kind" }, /child 1 of 'parts' as its 'kind' must be/],
  ];
  for (const [part, message] of cases) {
    const id = await submitParent(app, [{ kind: "gated", input: { gate: "for nobody" } }, part]);
    const { status, error } = await finished(app.url, id);
    assertEquals(status, "failed");
    assert(message.test(error!.message), error!.message);
    // The children that were made are canceled, since nobody waits for them.
    for (const { task_id } of await childrenOf(app, id)) {
      assertEquals((await finished(app.url, task_id)).status, "canceled");
    }
  }
});

Deno.test("GET /tasks/stream?parent= sends a parent and its children, and no other task", async () => {
  await using app = await testApp();
  const gate = { kind: "gated", input: { gate: "streamed child" } };
  const id = await submitParent(app, [{ kind: "echo", input: 1 }, gate]);
  await taskWhen(app.url, id, ({ children }) => children?.completed === 1);
  await submit(app.url, "echo", "another");
  const kids = await childrenOf(app, id);
  await using stream = await openStream(`${app.url}/tasks/stream?parent=${id}`);
  const [snapshot] = await stream.until((it) => it.events.length >= 1).then(() => stream.events);
  const ids = (JSON.parse(snapshot!.data).tasks as TaskRecord[]).map(({ task_id }) => task_id);
  assertEquals(ids.toSorted(), [id, ...kids.map(({ task_id }) => task_id)].toSorted());
  await submit(app.url, "echo", "another");
  openGate("streamed child");
  const ended = () =>
    new Set(
      stream.events.filter(({ event }) => event === "complete")
        .map(({ data }) => JSON.parse(data).task_id as string),
    );
  await stream.until(() => ended().has(id));
  assertEquals([...ended()], [kids[1]!.task_id, id]);
  for (const { event, data } of stream.events.slice(1)) {
    if (event === "message") assert(ids.includes(JSON.parse(data).task_id));
  }
});

Deno.test("?parent=none selects tasks without a parent, in lists, counts, streams and bulk changes", async () => {
  await using app = await testApp();
  const id = await submitParent(app, [{ kind: "echo", input: 1 }, { kind: "echo", input: 2 }]);
  await finished(app.url, id);
  const { task_id: other } = await submit(app.url, "echo", 3);
  await finished(app.url, other);
  const read = async (path: string) => (await fetch(`${app.url}/${path}`)).json();
  const idsIn = ({ tasks }: { tasks: TaskRecord[] }) => tasks.map(({ task_id }) => task_id);
  assertEquals(idsIn(await read("tasks?parent=none")), [other, id]);
  assertEquals(idsIn(await read("tasks?parent=none&kind=echo&status=completed")), [other]);
  assertEquals((await read("tasks")).tasks.length, 4);
  assertEquals((await read("tasks/counts?parent=none")).completed, 2);
  assertEquals((await read("tasks/counts")).completed, 4);
  await using stream = await openStream(`${app.url}/tasks/stream?parent=none`);
  await stream.until((it) => it.events.length >= 1);
  assertEquals(idsIn(JSON.parse(stream.events[0]!.data)), [other, id]);
  const second = await submitParent(app, [{ kind: "echo", input: 4 }]);
  const ended = () => stream.data("complete").map(({ task_id }) => task_id);
  await stream.until(() => ended().includes(second));
  assertEquals(ended(), [second]);
  const filter = { parent: "none", kind: ["echo"] };
  const bulk = await (await post(`${app.url}/tasks/bulk`, { action: "delete", filter })).json();
  assertEquals(bulk.results.map((it: { task_id: string }) => it.task_id), [other]);
});

Deno.test("a dry run of POST /tasks/bulk counts the same children as refused as the change itself", async () => {
  await using app = await testApp();
  const gated = { kind: "gated", input: { gate: "dry" } };
  const id = await submitParent(app, [{ kind: "echo", input: 1 }, gated]);
  const [child] = await eventually(async () => {
    const children = await childrenOf(app, id);
    assert(children.some(({ status }) => status === "completed"));
    return children.filter(({ status }) => status === "completed");
  });
  const ask = async (action: string, more: object) => {
    const { results: _, first_cursor: __, ...told } =
      await (await post(`${app.url}/tasks/bulk`, { action, ...more })).json();
    return told;
  };
  const one = { ids: [child!.task_id] };
  const refused = { matched: 1, refused: { completed: 1 }, next_cursor: null };
  assertEquals(await ask("delete", { ...one, dry_run: true }), refused);
  assertEquals(await ask("delete", one), refused);
  const filter = { status: ["completed"] };
  assertEquals(await ask("delete", { filter, dry_run: true }), refused);
  await (await post(`${app.url}/tasks/${id}/cancel`)).body?.cancel();
  await finished(app.url, id);
  await eventually(async () => {
    const children = await childrenOf(app, id);
    assertEquals(children.map(({ status }) => status).toSorted(), ["canceled", "completed"]);
  });
  const all = { filter: { parent: id } };
  const over = { matched: 2, refused: { completed: 1, canceled: 1 }, next_cursor: null };
  assertEquals(await ask("retry", { ...all, dry_run: true }), over);
  assertEquals(await ask("retry", all), over);
});

Deno.test("?parent= is refused if it is neither an id nor none, in lists, counts and streams", async () => {
  await using app = await testApp();
  for (const path of ["tasks", "tasks/stream", "tasks/counts"]) {
    const response = await fetch(`${app.url}/${path}?parent=1`, {
      headers: { accept: "*/*" },
    });
    assertEquals((await assertProblem(response, 400)).field, "parent");
  }
});

Deno.test("children() nests tasks at most eight deep: the deepest task fails, and its error says why", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "nests");
  await finished(app.url, task_id);
  const chain: TaskRecord[] = [];
  for (let [next] = await childrenOf(app, task_id); next !== undefined;) {
    chain.push(next);
    [next] = await childrenOf(app, next.task_id);
  }
  assertEquals(chain.length, 8);
  const { name, message } = chain.at(-1)!.error!;
  assertEquals([name, message], [
    "RangeError",
    "Cannot run child 0 of 'next': tasks may be nested at most 8 deep",
  ]);
});

Deno.test("with ?parent= GET /tasks and its stream show an owner's token no child of another owner's task", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS:
      "all:admin:a-secret-of-twenty-four-characters,bob:read@bob:b-secret-of-twenty-four-characters",
  });
  const headers = { authorization: "Bearer a-secret-of-twenty-four-characters" };
  const bobs = { authorization: "Bearer b-secret-of-twenty-four-characters" };
  const body = { kind: "parent", input: { parts: [{ kind: "echo", input: 1 }] }, owner: "ann" };
  const { task_id } = await (await post(`${app.url}/tasks`, body, headers)).json();
  await eventually(async () => {
    const { status } = await (await fetch(`${app.url}/tasks/${task_id}`, { headers })).json();
    assertEquals(status, "completed");
  });
  const list = async (headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/tasks?parent=${task_id}`, { headers });
    return (await response.json()).tasks.length;
  };
  assertEquals([await list(headers), await list(bobs)], [1, 0]);
  const address = `${app.url}/tasks/stream?parent=${task_id}`;
  await using stream = await openStream(address, { headers: bobs });
  await stream.until((it) => it.events.length >= 1);
  assertEquals(JSON.parse(stream.events[0]!.data).tasks, []);
});

Deno.test("children() with an empty list returns an empty list", async () => {
  await using app = await testApp();
  const id = await submitParent(app, []);
  assertEquals((await finished(app.url, id)).result, []);
});

Deno.test("a child cannot be deleted before its parent has ended, and then leaves no keys behind", async () => {
  await using app = await testApp();
  const gate = { kind: "gated", input: { gate: "kept child" } };
  const id = await submitParent(app, [{ kind: "echo", input: 1 }, gate]);
  await taskWhen(app.url, id, ({ children }) => children?.completed === 1);
  const [first, second] = await childrenOf(app, id);
  const remove = (id: string) => fetch(`${app.url}/tasks/${id}`, { method: "DELETE" });
  const { parent_id } = await assertProblem(await remove(first!.task_id), 409);
  assertEquals(parent_id, id);
  openGate("kept child");
  await finished(app.url, id);
  for (const task of [id, first!.task_id, second!.task_id]) {
    assertEquals((await remove(task)).status, 204);
  }
  const { kv } = app.engine.store;
  for (const prefix of ["child", "children", "parent", "answer"]) {
    assertEquals(await Array.fromAsync(kv.list({ prefix: [prefix] })), []);
  }
});

Deno.test("a parent that is canceled and deleted at once still cancels its children, and leaves no keys", async () => {
  await using app = await testApp();
  const gate = { kind: "gated", input: { gate: "never opened, too" } };
  const id = await submitParent(app, [gate, gate]);
  await taskWhen(app.url, id, ({ children }) => children?.running === 2);
  const kids = await childrenOf(app, id);
  await (await post(`${app.url}/tasks/${id}/cancel`)).body?.cancel();
  assertEquals((await fetch(`${app.url}/tasks/${id}`, { method: "DELETE" })).status, 204);
  for (const { task_id } of kids) {
    assertEquals((await finished(app.url, task_id)).status, "canceled");
  }
  const { kv } = app.engine.store;
  await eventually(async () => {
    for (const prefix of ["child", "parent"]) {
      assertEquals(await Array.fromAsync(kv.list({ prefix: [prefix] })), []);
    }
  });
});

Deno.test("the progress of running children counts towards that of their parent", async () => {
  await using app = await testApp();
  const half = { kind: "gated-rows", input: { gate: "own progress", rows: 2 } };
  const id = await submitParent(app, [{ kind: "echo", input: 1 }, half]);
  openGate("own progress-1");
  const parent = await taskWhen(app.url, id, ({ progress }) => progress === 75);
  assertEquals([parent.done, parent.total, parent.children?.running], [1, 2, 1]);
  openGate("own progress-2");
  const { done, progress, status } = await finished(app.url, id);
  assertEquals([done, progress, status], [2, 100, "completed"]);
});

Deno.test("children() makes, counts and waits for 350 children", async () => {
  await using app = await testApp();
  const parts = Array.from({ length: 350 }, (_, input) => ({ kind: "echo", input }));
  const id = await submitParent(app, parts);
  const { result, children } = await finished(app.url, id);
  assertEquals(result, parts.map(({ input }) => input));
  assertEquals([children?.completed, children?.made], [350, undefined]);
});

Deno.test("children() makes none after one that it cannot make, and the record says how many it made", async () => {
  await using app = await testApp();
  const part = (_: unknown, n: number) => ({
    kind: n === 250 ? "nobody-has-it" : "echo",
    input: n,
  });
  const id = await submitParent(app, Array.from({ length: 1000 }, part));
  const { error, children } = await finished(app.url, id);
  assert(error?.message.startsWith("Cannot run child 250 of 'parts'"), error?.message);
  assertEquals([children?.total, children?.made], [1000, 200]);
  assertEquals((await childrenOf(app, id)).length, 200);
});
