import { assert, assertEquals, assertMatch } from "@std/assert";
import { finished, storedEvents, submit } from "../helpers/api.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";

/** Paths that read JSON. */
const PATHS = ["/tasks", "/submit", "/tasks/bulk", "/login"];

function send(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: "POST", body, headers });
}

Deno.test("JSON nested 100,000 deep is refused, wherever it is read", async () => {
  await using app = await testApp();
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const objects = '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000);
  for (const path of PATHS) {
    for (const body of [deep, objects, `{"kind":"echo","input":${deep}}`, `{"x":${objects}}`]) {
      for (const headers of [{}, { "idempotency-key": "k" }]) {
        const problem = await assertProblem(await send(app.url + path, body, headers), 400);
        assertEquals(problem.field, "body");
        assertMatch(problem.error, /nested deeper than 200 levels/);
      }
    }
  }
  assertEquals((await fetch(`${app.url}/tasks`).then((it) => it.json())).tasks, []);
});

Deno.test("JSON nested as deep as is allowed goes to a task and comes back as its result", async () => {
  await using app = await testApp();
  // One level is the body's own.
  const deep = JSON.parse("[".repeat(199) + "]".repeat(199));
  const headers = { "idempotency-key": "deep" };
  const body = JSON.stringify({ kind: "echo", input: deep });
  const answer = await send(`${app.url}/tasks`, body, headers);
  assertEquals(answer.status, 201);
  const { task_id } = await answer.json();
  assertEquals((await finished(app.url, task_id)).result, deep);
});

Deno.test("a JSON body that makes no sense to a route is answered with a problem", async () => {
  await using app = await testApp();
  const bodies = [
    "null",
    "true",
    "-0",
    '""',
    "[]",
    "1e999",
    `"${"\\u0000".repeat(1000)}"`,
    `[${"1,".repeat(100_000)}1]`,
    `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`).join()}}`,
    '{"kind":"echo","kind":["echo"]}',
    '{"action":"constructor","ids":["x"]}',
    '{"action":"__proto__","ids":["x"]}',
  ];
  for (const path of PATHS) {
    for (const body of bodies) {
      // As in the tutorial, a submit without an input starts a demo.
      if (path === "/submit" && body === "null") continue;
      const response = await send(app.url + path, body);
      assert([400, 422, 429].includes(response.status), `${path} ${body.slice(0, 40)}`);
      await assertProblem(response, response.status);
    }
  }
});

Deno.test("a number that JSON.parse() would change is refused, and the problem names its path", async () => {
  await using app = await testApp();
  for (const path of PATHS) {
    for (const number of ["9007199254740993", "1e400", "-12345678901234567890"]) {
      for (const headers of [{}, { "idempotency-key": "k" }]) {
        const body = `{"kind":"echo","input":{"rows":[1,{"id":${number}}]}}`;
        const problem = await assertProblem(await send(app.url + path, body, headers), 400);
        assertEquals(problem.field, "input.rows.1.id");
        assertMatch(problem.error, new RegExp(`${number}.* as text`));
      }
    }
    const problem = await assertProblem(await send(app.url + path, "1e400"), 400);
    assertEquals(problem.field, "body");
  }
  assertEquals((await fetch(`${app.url}/tasks`).then((it) => it.json())).tasks, []);
});

/** Asserts that no object has a property that a polluted prototype would give it. */
function assertUnpolluted(): void {
  const plain: Record<string, unknown> = {};
  for (const name of ["polluted", "isAdmin", "status", "scopes"]) {
    assertEquals(plain[name], undefined, name);
    assertEquals((Object as unknown as Record<string, unknown>)[name], undefined, name);
  }
}

const POISONS = [
  '{"__proto__":{"polluted":1,"isAdmin":true}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":{"__proto__":{"polluted":1},"constructor":1,"hasOwnProperty":2,"toString":"x"}}',
  '[{"__proto__":{"polluted":1}}]',
];

Deno.test("names such as __proto__ in an input are kept like any other, and pollute no prototype", async () => {
  await using app = await testApp();
  for (const [n, poison] of POISONS.entries()) {
    const headers = { "idempotency-key": `poison-${n}` };
    for (const status of [201, 200]) {
      const body = `{"kind":"echo","input":${poison}}`;
      const answer = await send(`${app.url}/tasks`, body, headers);
      assertEquals(answer.status, status);
      const { task_id } = await answer.json();
      await finished(app.url, task_id);
      const text = await fetch(`${app.url}/tasks/${task_id}`).then((it) => it.text());
      assert(text.includes(`"result":${poison}`), text);
      const details = await fetch(`${app.url}/tasks/${task_id}/details`).then((it) => it.text());
      assert(details.includes(`"input":${poison}`), details);
    }
    assertUnpolluted();
  }
});

Deno.test("names such as __proto__ are refused or ignored where only known names have a meaning", async () => {
  await using app = await testApp();
  const status = async (path: string, body?: string, headers?: Record<string, string>) => {
    const response =
      await (body === undefined ? fetch(app.url + path) : send(app.url + path, body, headers));
    await response.body?.cancel();
    return response.status;
  };
  for (const body of POISONS.slice(0, 2)) {
    assertEquals(await status("/tasks", body), 400);
    assertEquals(await status("/tasks", `{"kind":"demo","input":${body}}`), 422);
    assertEquals(await status("/submit", body), 422);
    assertEquals(await status("/tasks/bulk", body), 400);
  }
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assertEquals(await status("/tasks", JSON.stringify({ kind: name })), 422, name);
    assertEquals(await status(`/static/${name}`), 404, name);
    for (const query of [`kind=${name}`, `status=${name}`, `${name}=1`, `${name}[polluted]=1`]) {
      assert([200, 400].includes(await status(`/tasks?${query}`)), query);
    }
    const headers = { [name]: "polluted", "idempotency-key": name };
    assertEquals(await status("/tasks", '{"kind":"echo"}', headers), 201, name);
  }
  assertUnpolluted();
});

Deno.test("a task may use names such as __proto__ in all that it yields, and they pollute no prototype", async () => {
  await using app = await testApp();
  const names = ["__proto__", "constructor", "prototype", "toString"];
  const { task_id } = await submit(app.url, "says", { texts: names });
  const { status } = await finished(app.url, task_id);
  assertEquals(status, "completed");
  const rows = await storedEvents(app.url, task_id);
  assertEquals(rows.filter(({ event }) => event === "log").map(({ data }) => data.message), names);
  assertUnpolluted();
});
