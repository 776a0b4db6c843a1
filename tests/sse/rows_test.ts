import { assert, assertEquals } from "@std/assert";
import { finished, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/gate.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

Deno.test("GET /tasks/stream?rows= also carries the rows of the named tasks, and of no others", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated", { gate: "rows", rows: 5 });
  const other = await submit(app.url, "gated", { gate: "rows", rows: 5 });
  await taskWhen(app.url, task_id, ({ status }) => status === "running");
  await using stream = await openStream(`${app.url}/tasks/stream?rows=${task_id}`);
  await stream.collect(1);
  openGate("rows");
  await stream.until((it) => it.data("complete").length === 2);
  const rows = stream.data("log");
  const stored = (await storedEvents(app.url, task_id)).filter(({ event }) => event === "log");
  assertEquals(rows, stored.map(({ data }) => ({ task_id, ...data })));
  assertEquals(rows.length, 5);
  assert(stream.data("complete").some(({ task_id: id }) => id === other.task_id));
});

Deno.test("GET /tasks/stream?rows= resumes after the last id, and sends every row once", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "gated-rows", { gate: "resume", rows: 40 });
  const url = `${app.url}/tasks/stream?rows=${task_id}`;
  const first = await openStream(url);
  await first.collect(1);
  for (let row = 1; row <= 3; row++) openGate(`resume-${row}`);
  await first.until((it) => it.data("log").length >= 3);
  await first.close();
  for (let row = 4; row <= 40; row++) openGate(`resume-${row}`);
  await finished(app.url, task_id);
  await using again = await openStream(url, { lastEventId: first.lastEventId });
  await again.until((it) => it.data("complete").length === 1);
  const rows = [...first.data("log"), ...again.data("log")];
  assertEquals(
    rows.map(({ message }) => message),
    Array.from({ length: 40 }, (_, n) => `row ${n + 1}`),
  );
});

Deno.test("GET /tasks/stream?rows= sends a rewind when outputs are taken back, whatever else it selects", async () => {
  await using app = await testApp();
  const labels = { owner: "acme", tags: ["t"] };
  for (const query of ["", "&kind=puts-again", "&owner=acme", "&tag=t"]) {
    const gate = `rewind${query}`;
    const { task_id } = await submit(app.url, "puts-again", { gate }, labels);
    await using stream = await openStream(`${app.url}/tasks/stream?rows=${task_id}${query}`);
    await stream.collect(1);
    openGate(gate);
    await stream.until((it) => it.data("complete").some(({ task_id: id }) => id === task_id));
    const [first, ...others] = stream.data("output");
    assertEquals(others.map(({ data }) => data), ["a", "b"]);
    const [rewind, ...more] = stream.data("rewind");
    assertEquals([more, rewind.task_id, rewind.after], [[], task_id, 0]);
    assert(first.seq < rewind.seq && rewind.seq < others[0].seq);
    const stored = await storedEvents(app.url, task_id);
    const kept = stored.filter(({ event }) => event === "output" || event === "rewind");
    assertEquals(kept.map(({ data }) => ({ task_id, ...data })), [rewind, ...others]);
  }
});

Deno.test("GET /tasks/stream?rows= answers 400 to no ids or too many, and 404 to an invalid id", async () => {
  await using app = await testApp();
  const id = "0".repeat(26);
  const many = Array.from({ length: 21 }, (_, n) => id.slice(2) + String(n + 10)).join();
  for (const rows of ["", ",", many]) {
    const problem = await assertProblem(await fetch(`${app.url}/tasks/stream?rows=${rows}`), 400);
    assertEquals(problem.field, "rows");
  }
  await assertProblem(await fetch(`${app.url}/tasks/stream?rows=nonsense`), 404);
});
