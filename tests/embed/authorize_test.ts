import { assertEquals, assertStringIncludes } from "@std/assert";
import { defineTask, type Headway, headway, type Visitor } from "headway";
import { assertProblem } from "../helpers/problem.ts";

const AWAY = { transport: "tcp", hostname: "192.0.2.7", port: 50_000 } as const;

const note = defineTask({
  kind: "note",
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input }) {
    return input as unknown;
  },
});

/** The visitors, by the value of `x-user`, a header of the program's own. */
const VISITORS: Record<string, unknown> = {
  ada: { name: "ada", scope: "submit" },
  bob: { name: "bob@x.example", scope: ["submit"] },
  reader: { name: "reader", scope: "read" },
  root: { name: "root", scope: "admin" },
  nameless: { name: "", scope: "admin" },
  odd: { name: "odd", scope: "king" },
  breaking: { name: "a\nb", scope: "read" },
  unowned: { name: "unowned", scope: "read", owner: "" },
  // Both have the same name: a program may tell people apart only by their owner.
  acme: { name: "user", scope: ["submit", "read"], owner: "acme" },
  globex: { name: "user", scope: "submit", owner: "globex" },
};

function authorize({ headers }: Request): Visitor | null {
  const who = headers.get("x-user");
  if (who === "broken") throw new Error("the database of users is away");
  return (who === null ? null : VISITORS[who] ?? null) as Visitor | null;
}

function started(): Promise<Headway> {
  return headway({ kinds: [note], kv: ":memory:", log: "off", authorize });
}

/** Sends a request through the program, as a browser on another machine would. */
function ask(jobs: Headway, path: string, who = "", init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("host", "x.example");
  if (who !== "") headers.set("x-user", who);
  const request = new Request(`http://x.example${path}`, { ...init, headers });
  return jobs.fetch(request, { remoteAddr: AWAY });
}

async function submitAs(jobs: Headway, who: string): Promise<{ task_id: string; token: string }> {
  const init = { method: "POST", body: '{"kind":"note"}' };
  const response = await ask(jobs, "/tasks", who, init);
  assertEquals(response.status, 201);
  return await response.json();
}

Deno.test("authorize() decides what each visitor may do, and which tasks they see", async () => {
  await using jobs = await started();
  await assertProblem(await ask(jobs, "/tasks"), 401);
  await assertProblem(await ask(jobs, "/tasks", "nobody"), 401);
  await assertProblem(
    await ask(jobs, "/tasks", "reader", { method: "POST", body: '{"kind":"note"}' }),
    403,
  );
  const { task_id: hers } = await submitAs(jobs, "ada");
  const { task_id: his } = await submitAs(jobs, "bob");
  const seen = async (who: string) => {
    const { tasks } = await (await ask(jobs, "/tasks", who)).json();
    return tasks.map(({ task_id }: { task_id: string }) => task_id);
  };
  assertEquals(
    [await seen("ada"), await seen("bob"), await seen("reader"), await seen("root")],
    [[hers], [his], [his, hers], [his, hers]],
  );
  await assertProblem(await ask(jobs, `/tasks/${his}`, "ada"), 403);
  await Array.fromAsync(jobs.watch(his));
  const removed = await ask(jobs, `/tasks/${his}`, "root", { method: "DELETE" });
  assertEquals(removed.status, 204);
});

Deno.test("with authorize() a task's token still opens that task, and other Authorization headers are ignored", async () => {
  await using jobs = await started();
  const { task_id, token } = await submitAs(jobs, "ada");
  const bearer = { headers: { authorization: `Bearer ${token}` } };
  assertEquals((await ask(jobs, `/tasks/${task_id}`, "", bearer)).status, 200);
  assertEquals((await ask(jobs, `/tasks/${task_id}?token=${token}`)).status, 200);
  await assertProblem(await ask(jobs, "/tasks", "", bearer), 403);
  await assertProblem(await ask(jobs, `/tasks/${task_id}?token=x`, "root"), 401);
  const own = { headers: { authorization: "Bearer of-the-login's" } };
  assertEquals((await ask(jobs, "/tasks", "root", own)).status, 200);
  await assertProblem(await ask(jobs, "/tasks", "", own), 401);
});

Deno.test("authorize() binds a visitor to an owner, whatever their name and scope", async () => {
  await using jobs = await started();
  const { task_id: acmes } = await submitAs(jobs, "acme");
  const { task_id: globexes } = await submitAs(jobs, "globex");
  const server = await jobs.submit("note", null, { owner: "acme", tags: ["by-the-program"] });
  for (const id of [acmes, globexes, server.task_id]) await Array.fromAsync(jobs.watch(id));
  const seen = async (who: string) => {
    const { tasks } = await (await ask(jobs, "/tasks", who)).json();
    return tasks.map(({ task_id }: { task_id: string }) => task_id);
  };
  assertEquals(await seen("acme"), [server.task_id, acmes]);
  assertEquals(await seen("globex"), [globexes]);
  await assertProblem(await ask(jobs, `/tasks/${acmes}`, "globex"), 403);
  await assertProblem(await ask(jobs, "/metrics", "acme"), 403);
  const body = '{"kind":"note","owner":"acme"}';
  const other = await ask(jobs, "/tasks", "globex", { method: "POST", body });
  assertEquals((await assertProblem(other, 403)).field, "owner");
  // A token that they make for others reaches only their owner's tasks, too.
  const made = await ask(jobs, "/tokens", "acme", { method: "POST", body: '{"owner":"acme"}' });
  const { token } = await made.json();
  const listed = await (await ask(jobs, `/tasks?token=${token}`)).json();
  assertEquals(listed.tasks.length, 2);
  const { tasks } = await jobs.list({ owner: "acme", tag: ["by-the-program"] });
  assertEquals(tasks.map(({ task_id }) => task_id), [server.task_id]);
});

Deno.test("a visitor for whom authorize() returns a name alone may submit tasks, and sees only their own", async () => {
  const names: Record<string, string> = { ada: "ada", bob: "bob", empty: "" };
  const login = ({ headers }: Request) => names[headers.get("x-user") ?? ""] ?? null;
  await using jobs = await headway({ kinds: [note], kv: ":memory:", log: "off", authorize: login });
  const { task_id } = await submitAs(jobs, "ada");
  const { task_id: program } = await jobs.submit("note", null, { owner: "ada" });
  const seen = async (who: string) => (await (await ask(jobs, "/tasks", who)).json()).tasks.length;
  assertEquals([await seen("ada"), await seen("bob")], [2, 0]);
  for (const id of [task_id, program]) {
    await assertProblem(await ask(jobs, `/tasks/${id}`, "bob"), 403);
  }
  await assertProblem(await ask(jobs, "/metrics", "ada"), 403);
  await assertProblem(await ask(jobs, "/tasks", "empty"), 500);
});

Deno.test("authorize() that throws or returns an invalid visitor lets nobody in", async () => {
  await using jobs = await started();
  for (const who of ["broken", "nameless", "odd", "breaking", "unowned"]) {
    await assertProblem(await ask(jobs, "/tasks", who), 500);
  }
});

Deno.test("with authorize() the page asks for no token", async () => {
  await using jobs = await started();
  const page = await (await ask(jobs, "/")).text();
  assertStringIncludes(page, '"login":{"required":true,"scopes":[],"elsewhere":true}');
  const session = await (await ask(jobs, "/login", "reader")).json();
  assertEquals(session, { required: true, scopes: ["read"], elsewhere: true });
  const login = { method: "POST", body: '{"token":"x"}' };
  const { error } = await assertProblem(await ask(jobs, "/login", "", login), 409);
  assertEquals(error, "Sign in to the application that this belongs to");
});
