import { assert, assertEquals, assertMatch } from "@std/assert";
import type { TaskRecord } from "headway";
import { finished, post, submit } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

interface Page {
  tasks: TaskRecord[];
  next_cursor: string | null;
}

async function page(base: string, query: string): Promise<Page> {
  const response = await fetch(`${base}/tasks?${query}`);
  const body = await response.json();
  assertEquals(response.status, 200, JSON.stringify(body));
  return body;
}

/** Every id of a list, read page by page; `between` is called after each page. */
async function allIds(
  base: string,
  query: string,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const { tasks, next_cursor }: Page = await page(base, `${query}&cursor=${cursor}`);
    ids.push(...tasks.map(({ task_id }) => task_id));
    cursor = next_cursor;
    await between();
  }
  return ids;
}

Deno.test("GET /tasks lists the newest task first, and gives an empty page if there are none", async () => {
  await using app = await testApp();
  assertEquals(await page(app.url, ""), { tasks: [], next_cursor: null });
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.unshift((await submit(app.url, "echo", n)).task_id);
  for (const id of ids) await finished(app.url, id);
  const { tasks, next_cursor } = await page(app.url, "");
  assertEquals([tasks.map(({ task_id }) => task_id), next_cursor], [ids, null]);
  assertEquals(new Set(tasks.map(({ status }) => status)), new Set(["completed"]));
});

Deno.test("GET /tasks pages neither skip nor repeat a task while others arrive and change", async () => {
  await using app = await testApp();
  const ids = (await Promise.all(
    Array.from({ length: 60 }, (_, n) => submit(app.url, n % 2 ? "echo" : "says", { texts: [] })),
  )).map(({ task_id }) => task_id).sort().reverse();
  await Promise.all(ids.map((id) => finished(app.url, id)));
  const more = () => Promise.all([submit(app.url, "echo"), submit(app.url, "says", { texts: [] })]);
  for (const limit of [1, 7, 20, 59, 60, 61]) {
    const found = await allIds(app.url, `limit=${limit}`, more);
    assertEquals(found.filter((id) => ids.includes(id)), ids, `limit ${limit}`);
    assertEquals(new Set(found).size, found.length);
    assertEquals(found, found.toSorted().reverse());
    const says = await allIds(app.url, `limit=${limit}&kind=says&status=completed`, more);
    assertEquals(says, says.toSorted().reverse());
    assertEquals(new Set(says).size, says.length);
  }
});

Deno.test("GET /tasks selects by text, and by one or several statuses and kinds", async () => {
  await using app = await testApp();
  const later = { delay_ms: 3_600_000 };
  const [a, b, c, d] = [
    await submit(app.url, "echo"),
    await submit(app.url, "throws", { message: "Broken pipe" }),
    await submit(app.url, "echo", null, later),
    await submit(app.url, "says", { texts: ["Über den Wolken"] }),
  ].map(({ task_id }) => task_id);
  for (const id of [a, b, d]) await finished(app.url, id!);
  const cases: [query: string, ids: (string | undefined)[]][] = [
    ["status=completed", [d, a]],
    ["status=failed", [b]],
    ["status=pending", [c]],
    ["status=running", []],
    ["status=completed,failed", [d, b, a]],
    ["status=completed&status=failed", [d, b, a]],
    ["kind=echo", [c, a]],
    ["kind=echo,says", [d, c, a]],
    ["kind=echo&status=completed", [a]],
    ["kind=never-used", []],
    [`q=${a}`, [a]],
    [`q=${a!.toLowerCase()}`, [a]],
    ["q=broken%20PIPE", [b]],
    ["q=WOLKEN", [d]],
    ["q=%C3%BCber", [d]],
    ["q=echo", [c, a]],
    ["q=echo&status=pending", [c]],
    ["q=nothing-like-it", []],
    ["q=%20%20", [d, c, b, a]],
  ];
  for (const [query, ids] of cases) {
    const { tasks } = await page(app.url, query);
    assertEquals(tasks.map(({ task_id }) => task_id), ids, query);
    assertEquals(await allIds(app.url, `${query}&limit=1`), ids, `${query}, one by one`);
  }
});

Deno.test("GET /tasks refuses an invalid query, and names the parameter", async () => {
  await using app = await testApp();
  for (
    const [query, field] of [
      ["status=done", "status"],
      ["status=completed,done", "status"],
      ["kind=No%20Kind", "kind"],
      ["limit=0", "limit"],
      ["limit=501", "limit"],
      ["limit=ten", "limit"],
      ["limit=1.5", "limit"],
      ["limit=-1", "limit"],
      ["cursor=x", "cursor"],
      ["cursor=%00", "cursor"],
      [`kind=${Array.from({ length: 101 }, (_, n) => `k${n}`)}`, "kind"],
      [Array.from({ length: 101 }, (_, n) => `kind=k${n}`).join("&"), "kind"],
      [`kind=${"k".repeat(3000)}`, "kind"],
      [`kind=${Array(101).fill("echo")}`, "kind"],
      ["limit=", "limit"],
      ["created_before=", "created_before"],
      ["created_after=2026-02-30T00:00:00Z", "created_after"],
      [`status=${Array.from({ length: 1000 }, (_, n) => `s${n}`)}`, "status"],
      [`q=${"x".repeat(201)}`, "q"],
      [`limit=${"1".repeat(3000)}`, "limit"],
      [`created_after=2026-01-31T${"0".repeat(3000)}`, "created_after"],
      ["created_before=2026-01-31T00:00:00", "created_before"],
    ]
  ) {
    const problem = await assertProblem(await fetch(`${app.url}/tasks?${query}`), 400);
    assertEquals(problem.field, field, query);
  }
});

Deno.test("GET /tasks/stream refuses an invalid query", async () => {
  await using app = await testApp();
  for (
    const [query, status] of [
      ["ids=", 400],
      ["ids=,", 400],
      ["ids=x", 404],
      [`ids=${Array(1001).fill(0).map((_, n) => String(n).padStart(26, "0"))}`, 400],
      ["rows=", 400],
      ["ids=01ARZ3NDEKTSV4RRFFQ69G5FAV&kind=echo,says", 400],
    ] as const
  ) await assertProblem(await fetch(`${app.url}/tasks/stream?${query}`), status);
});

Deno.test("GET /tasks/stream takes one kind, and sends a task once if its id is repeated in any case", async () => {
  await using app = await testApp();
  for (const kind of ["k".repeat(3000), "No%20Kind", "echo,says", "echo&kind=says", "%00"]) {
    const response = await fetch(`${app.url}/tasks/stream?kind=${kind}`);
    assertEquals((await assertProblem(response, 400)).field, "kind", kind);
  }
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const ids = [task_id, task_id.toLowerCase(), task_id];
  for (const query of [`ids=${ids}`, `ids=${ids.join("&ids=")}`, "kind=echo&kind=echo", "kind="]) {
    await using stream = await openStream(`${app.url}/tasks/stream?${query}`);
    const [snapshot] = await stream.collect(1);
    const { tasks } = JSON.parse(snapshot!.data) as Page;
    assertEquals(tasks.map((task) => task.task_id), [task_id], query);
  }
});

Deno.test("GET /tasks/stream with ids and a kind sends only those tasks that are of this kind", async () => {
  await using app = await testApp();
  const later = { delay_ms: 3_600_000 };
  const [echo, says] = await Promise.all([
    submit(app.url, "echo", null, later),
    submit(app.url, "says", { texts: [] }, later),
  ]);
  const query = `ids=${echo.task_id},${says.task_id}&kind=echo`;
  await using stream = await openStream(`${app.url}/tasks/stream?${query}`);
  for (const { task_id } of [says, echo]) {
    await post(`${app.url}/tasks/${task_id}/cancel`).then((it) => it.json());
  }
  await stream.until(({ events }) => events.some(({ event }) => event === "complete"));
  const { tasks } = stream.data("snapshot")[0] as Page;
  const told = [...tasks, ...stream.data("message"), ...stream.data("complete")];
  assertEquals(new Set(told.map((task) => task.task_id)), new Set([echo.task_id]));
});

Deno.test("GET /tasks lists a task once, however often the query names its kind or status", async () => {
  await using app = await testApp();
  const ids = await Promise.all(
    Array.from({ length: 25 }, () => submit(app.url, "echo", null, { delay_ms: 3_600_000 })),
  ).then((tasks) => tasks.map(({ task_id }) => task_id).sort().reverse());
  for (
    const query of [
      "kind=echo,echo",
      "kind=echo&kind=echo,none",
      Array(100).fill("status=pending").join("&"),
      `status=${Array(100).fill("pending")}&kind=${Array(100).fill("echo")}`,
    ]
  ) {
    const { tasks } = await page(app.url, query);
    assertEquals(tasks.map(({ task_id }) => task_id), ids, query.slice(0, 50));
    assertEquals(await allIds(app.url, `${query}&limit=10`), ids, query.slice(0, 50));
  }
});

Deno.test("GET /tasks gives an empty page if created_after is later than created_before", async () => {
  await using app = await testApp();
  await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const times = "created_after=2030-01-01T00:00:00Z&created_before=2020-01-01T00:00:00Z";
  for (const query of [times, `${times}&kind=echo`, `${times}&status=pending&q=x`]) {
    assertEquals(await page(app.url, query), { tasks: [], next_cursor: null });
  }
});

Deno.test("GET /tasks/counts takes kinds as GET /tasks does", async () => {
  await using app = await testApp();
  await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  const counts = (query: string) => fetch(`${app.url}/tasks/counts?${query}`);
  const { pending } = await counts("kind=echo,echo&kind=none,echo").then((it) => it.json());
  assertEquals(pending, 1);
  for (const kind of ["k".repeat(3000), Array.from({ length: 101 }, (_, n) => `k${n}`).join()]) {
    assertEquals((await assertProblem(await counts(`kind=${kind}`), 400)).field, "kind");
  }
});

Deno.test("GET /tasks leaves the results out of its records", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", "x".repeat(30_000));
  assertEquals(((await finished(app.url, task_id)).result as string).length, 30_000);
  const { tasks } = await page(app.url, "");
  assertEquals(tasks[0]!.result, null);
  assert(JSON.stringify(tasks).length < 1000);
  assertMatch(tasks[0]!.task_id, new RegExp(task_id));
});
