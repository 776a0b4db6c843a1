import { assert, assertEquals } from "@std/assert";
import type { Server } from "../../lib/server.ts";
import { ROUTES } from "../../routes/mod.ts";
import { clientOf, NOBODY } from "../../lib/http/principal.ts";
import { bearer, post } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ROOT = "root-secret-0123456789";

/** A text in acme's tasks, which nobody of globex may see. */
const MARK = "acmes-own-words";

function secretOf(owner: string, scope: string): string {
  return `${owner}-${scope}-0123456789`;
}

const HEADWAY_TOKENS = [
  `root:admin:${ROOT}`,
  ...["acme", "globex"].flatMap((owner) =>
    ["admin", "submit", "read"].map((scope) =>
      `${owner}.${scope}:${scope}@${owner}:${secretOf(owner, scope)}`
    )
  ),
].join(",");

interface Made {
  task_id: string;
  token: string;
  owner?: string;
}

async function make(app: Server, secret: string, more: object = {}): Promise<Made> {
  const body = { kind: "says", input: { texts: [`${MARK} ${secret}`] }, ...more };
  const response = await post(`${app.url}/tasks`, body, bearer(secret));
  const made = await response.json();
  assertEquals(response.status, 201, JSON.stringify(made));
  return made;
}

async function ended(app: Server, id: string): Promise<void> {
  await eventually(async () => {
    const response = await fetch(`${app.url}/tasks/${id}`, { headers: bearer(ROOT) });
    assertEquals((await response.json()).status, "completed");
  });
}

/** Makes two tasks of acme: a completed one and a delayed one. */
async function acmes(app: Server): Promise<{ done: Made; waits: Made }> {
  const secret = secretOf("acme", "submit");
  const done = await make(app, secret, { tags: [`${MARK}-tag`] });
  await ended(app, done.task_id);
  return { done, waits: await make(app, secret, { delay_ms: 3_600_000 }) };
}

async function tokenOf(app: Server, secret: string, body: object): Promise<string> {
  const response = await post(`${app.url}/tokens`, body, bearer(secret));
  const { token, error } = await response.json();
  assertEquals(response.status, 200, error);
  return token;
}

Deno.test("a token of one owner neither reads nor changes a task of another owner, by any route or stream", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const cursor = await (async () => {
    await using stream = await openStream(`${app.url}/tasks/stream`, { headers: bearer(ROOT) });
    return (await stream.collect(1))[0]!.id;
  })();
  const { done, waits } = await acmes(app);
  const globex = await make(app, secretOf("globex", "submit"), { input: { texts: ["theirs"] } });
  await ended(app, globex.task_id);
  const owner = { owner: "globex", can: ["read", "cancel", "signal"] };
  const strangers: [who: string, token: string][] = [
    ...["admin", "submit", "read"].map((scope): [string, string] => [
      `globex's ${scope}`,
      secretOf("globex", scope),
    ]),
    ["globex's token", await tokenOf(app, secretOf("globex", "admin"), owner)],
    ["a token of a task of globex", globex.token],
  ];
  const ids = [done.task_id, waits.task_id];
  for (const [who, token] of strangers) {
    const headers = bearer(token);
    /** Reads an answer to its end, and asserts that it reveals nothing of acme's tasks. */
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(app.url + path, { ...init, headers });
      const text = await response.text();
      const about = `${who}: ${init.method ?? "GET"} ${path} answers ${response.status} ${text}`;
      // An answer may repeat the ids that the request itself named.
      const told = ids.reduce((text, id) => text.replaceAll(`no task ${id}`, ""), text)
        .replaceAll(new RegExp(`"task_id":"(${ids.join("|")})","ok":false`, "g"), "");
      assert(!told.includes(MARK), about);
      for (const id of ids) assert(!told.includes(id), about);
      return { status: response.status, text, about };
    };
    for (const [path, methods] of ROUTES) {
      if (!path.startsWith("/tasks/:id")) continue;
      for (const method of Object.keys(methods)) {
        const answers = [];
        for (const id of [...ids, "01J00000000000000000000000", "x"]) {
          const { status, text } = await ask(path.replace(":id", id), { method });
          answers.push(`${status} ${text}`);
        }
        // The answer does not reveal whether the task exists.
        assertEquals(new Set(answers).size, 1, `${who}: ${method} ${path}: ${answers}`);
        assert(answers[0]!.startsWith("403 "), answers[0]);
      }
    }
    const queries = [
      "",
      "?limit=500",
      `?q=${MARK}`,
      `?q=${done.task_id}`,
      `?tag=${MARK}-tag`,
      "?owner=acme",
      "?owner=globex&owner=acme",
      `?cursor=${waits.task_id}`,
      "?status=pending,completed&kind=says",
    ];
    for (const query of queries) {
      const { status } = await ask(`/tasks${query}`);
      if (query.includes("owner=")) assert([400, 403].includes(status), `${status}`);
      const { status: counted, text } = await ask(`/tasks/counts${query}`);
      if (counted !== 200) continue;
      const { pending, completed } = JSON.parse(text);
      assertEquals([pending, completed], [0, query.includes("tag=") ? 0 : 1], `${who} ${query}`);
    }
    for (const path of ["/metrics", "/tasks/stream-all"]) {
      assertEquals((await ask(path)).status, 403, path);
    }
    const named = [
      `/tasks/stream?ids=${done.task_id}`,
      `/tasks/stream?ids=${globex.task_id},${waits.task_id}`,
      `/tasks/stream?rows=${done.task_id}`,
      `/tasks/stream?ids=${globex.task_id}&rows=${waits.task_id}`,
      "/tasks/stream?owner=acme",
    ];
    for (const path of named) assertEquals((await ask(path)).status, 403, path);
    const bulks = [
      ...["cancel", "retry", "delete"].flatMap((action) => [
        { action, ids },
        { action, ids, dry_run: true },
        { action, filter: {} },
        { action, filter: { owner: "acme" } },
        { action, filter: { q: MARK }, dry_run: true },
        { action, filter: {}, cursor: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", dry_run: true },
      ]),
    ];
    for (const body of bulks) {
      const { status, text, about } = await ask("/tasks/bulk", {
        method: "POST",
        body: JSON.stringify(
          body.action === "delete" && body.filter ? { ...body, dry_run: true } : body,
        ),
      });
      if (status === 403) continue;
      assertEquals([status, who], [200, "globex's admin"], about);
      assertEquals(JSON.parse(text).matched, body.filter && !body.filter.q ? 1 : 0, about);
    }
    const makes: [path: string, body: object, refused: number[]][] = [
      ["/tasks", { kind: "echo", owner: "acme" }, [403]],
      ["/tokens", { owner: "acme" }, [403]],
      ["/tokens", { task_id: done.task_id }, [403]],
      ["/tokens", { task_id: waits.task_id, can: ["cancel"] }, [403]],
    ];
    for (const [path, body, refused] of makes) {
      const { status, about } = await ask(path, { method: "POST", body: JSON.stringify(body) });
      assert(refused.includes(status), about);
    }
    if (who === "a token of a task of globex") continue;
    // The snapshot, the live events, and a resume from before any of these tasks was made.
    for (const lastEventId of [undefined, cursor, "nonsense"]) {
      const url = `${app.url}/tasks/stream`;
      await using stream = await openStream(url, {
        headers,
        ...(lastEventId ? { lastEventId } : {}),
      });
      assertEquals(stream.response.status, 200, who);
      await stream.collect(1);
      const { done } = await acmes(app);
      const mine = await make(app, secretOf("globex", "submit"), { input: { texts: ["ours"] } });
      await stream.until(({ events }) =>
        events.some(({ event, data }) => event === "complete" && data.includes(mine.task_id))
      );
      const all = stream.events.map(({ data }) => data).join("\n");
      assert(!all.includes(MARK) && !all.includes(done.task_id) && !all.includes("acme"), all);
      for (const id of [mine.task_id]) {
        await fetch(`${app.url}/tasks/${id}`, { method: "DELETE", headers: bearer(ROOT) });
      }
    }
  }
  // The tasks of acme have not changed.
  for (const { task_id } of [done, waits]) {
    const response = await fetch(`${app.url}/tasks/${task_id}`, { headers: bearer(ROOT) });
    const { status, owner } = await response.json();
    assertEquals([status, owner], [task_id === done.task_id ? "completed" : "pending", "acme"]);
  }
});

Deno.test("a token of an owner reads, follows and cancels that owner's tasks, as far as its 'can' allows", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const { done, waits } = await acmes(app);
  assertEquals([done.owner, waits.owner], ["acme", "acme"]);
  await make(app, secretOf("globex", "submit"));
  const reads = await tokenOf(app, secretOf("acme", "read"), { owner: "acme" });
  const cancels = await tokenOf(app, secretOf("acme", "submit"), {
    owner: "acme",
    can: ["read", "cancel"],
  });
  const both = [waits.task_id, done.task_id];
  const send = (path: string, token: string, method = "GET") =>
    fetch(app.url + path, { method, headers: bearer(token) });
  for (const shown of [{ headers: bearer(reads) }, { query: `token=${reads}` }]) {
    const at = (path: string) =>
      shown.query
        ? `${app.url}${path}${path.includes("?") ? "&" : "?"}${shown.query}`
        : app.url + path;
    const headers = shown.headers ?? {};
    const { tasks } = await (await fetch(at("/tasks"), { headers })).json();
    assertEquals(tasks.map(({ task_id }: Made) => task_id), both);
    const counts = await (await fetch(at("/tasks/counts"), { headers })).json();
    assertEquals([counts.pending, counts.completed], [1, 1]);
    for (const rest of ["", "/details", "/events"]) {
      const response = await fetch(at(`/tasks/${done.task_id}${rest}`), { headers });
      assertEquals(response.status, 200, rest);
      const { worker, stack } = await response.json();
      assert(!worker?.host && !stack);
    }
    for (
      const path of [`/tasks/${done.task_id}/stream`, "/tasks/stream?owner=acme", "/tasks/stream"]
    ) {
      await using stream = await openStream(at(path), { headers });
      assert((await stream.collect(1))[0]!.data.includes(done.task_id), path);
    }
    await using named = await openStream(
      at(`/tasks/stream?ids=${both}&rows=${done.task_id}`),
      { headers },
    );
    assertEquals(JSON.parse((await named.collect(1))[0]!.data).tasks.length, 2);
  }
  await assertProblem(await send(`/tasks/${waits.task_id}/cancel`, reads, "POST"), 403);
  const canceled = await (await send(`/tasks/${waits.task_id}/cancel`, cancels, "POST")).json();
  assertEquals(canceled.status, "canceled");
  const changes: [path: string, method: string][] = [
    [`/tasks/${waits.task_id}/retry`, "POST"],
    [`/tasks/${waits.task_id}`, "DELETE"],
    ["/tasks/bulk", "POST"],
    ["/tasks", "POST"],
    ["/submit", "POST"],
    ["/uploads", "POST"],
    ["/tokens", "POST"],
    ["/kinds", "GET"],
  ];
  for (const [path, method] of changes) {
    await assertProblem(await send(path, cancels, method), 403);
  }
  // An owner's admin token changes the tasks of that owner.
  const admin = secretOf("acme", "admin");
  const bulk = await post(`${app.url}/tasks/bulk`, { action: "cancel", filter: {} }, bearer(admin));
  const { matched, refused } = await bulk.json();
  assertEquals([matched, refused], [2, { canceled: 1, completed: 1 }]);
  assertEquals(
    (await (await send(`/tasks/${waits.task_id}/retry`, admin, "POST")).json()).owner,
    "acme",
  );
  const again = await (await send(`/tasks/${done.task_id}/retry`, admin, "POST")).json();
  assertEquals([again.retried_from, again.owner], [done.task_id, "acme"]);
});

Deno.test("POST /tokens gives no more rights than its caller has, and names the field that is wrong", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS:
      `${HEADWAY_TOKENS},free:submit:free-secret-0123456789,reader:read:read-secret-0123`,
  });
  const free = "free-secret-0123456789";
  const mine = await make(app, free, { delay_ms: 3_600_000, owner: "acme" });
  const { waits } = await acmes(app);
  const status = async (secret: string, body: object) => {
    const response = await post(`${app.url}/tokens`, body, bearer(secret));
    await response.body?.cancel();
    return response.status;
  };
  const all = ["read", "cancel", "signal"];
  const cases: [secret: string, body: object, status: number][] = [
    [ROOT, { owner: "anybody", can: all }, 200],
    [ROOT, { task_id: waits.task_id, can: all }, 200],
    ["read-secret-0123", { owner: "acme" }, 200],
    ["read-secret-0123", { owner: "acme", can: ["read", "cancel"] }, 403],
    ["read-secret-0123", { task_id: waits.task_id, can: ["cancel"] }, 403],
    // A token that sees only what it submitted does not see all tasks of an owner.
    [free, { owner: "acme" }, 403],
    [free, { task_id: mine.task_id, can: all }, 200],
    [free, { task_id: waits.task_id }, 403],
    [free, { task_id: "01J00000000000000000000000" }, 403],
    [secretOf("acme", "read"), { owner: "acme" }, 200],
    [secretOf("acme", "read"), { owner: "acme", can: ["cancel"] }, 403],
    [secretOf("acme", "submit"), { task_id: mine.task_id, can: all }, 200],
    [secretOf("acme", "admin"), { owner: "globex" }, 403],
    [waits.token, { task_id: waits.task_id }, 403],
  ];
  for (const [secret, body, wanted] of cases) {
    assertEquals(await status(secret, body), wanted, JSON.stringify([secret, body]));
  }
  const wrong: [body: object, field: string][] = [
    [{}, "task_id"],
    [{ owner: "a", task_id: mine.task_id }, "task_id"],
    [{ owner: "" }, "owner"],
    [{ owner: "a", can: [] }, "can"],
    [{ owner: "a", can: ["write"] }, "can"],
  ];
  for (const [body, field] of wrong) {
    const problem = await assertProblem(await post(`${app.url}/tokens`, body, bearer(ROOT)), 400);
    assertEquals(problem.field, field, JSON.stringify(body));
  }
  const response = await post(`${app.url}/tokens`, { owner: "a" }, bearer(ROOT));
  const { expires_at } = await response.json();
  const left = Date.parse(expires_at) - Date.now();
  assert(left > 3_500_000 && left <= 3_601_000, expires_at);
  await using open = await testApp();
  await assertProblem(await post(`${open.url}/tokens`, { owner: "a" }), 409);
});

Deno.test("POST /tasks refuses an upload of another owner or submit token as if it did not exist", async () => {
  await using app = await testApp({
    HEADWAY_TOKENS:
      `${HEADWAY_TOKENS},one:submit:one-secret-0123456789,two:submit:two-secret-0123456789`,
  });
  const upload = async (secret: string): Promise<string> => {
    const response = await fetch(`${app.url}/uploads`, {
      method: "POST",
      body: "words",
      headers: bearer(secret),
    });
    return (await response.json()).upload_id;
  };
  const secrets = {
    acme: secretOf("acme", "submit"),
    acmeAdmin: secretOf("acme", "admin"),
    globex: secretOf("globex", "admin"),
    one: "one-secret-0123456789",
    two: "two-secret-0123456789",
    root: ROOT,
  };
  type Who = keyof typeof secrets;
  const mayName: Record<Who, Who[]> = {
    acme: ["acme", "acmeAdmin", "root"],
    acmeAdmin: ["acme", "acmeAdmin", "root"],
    globex: ["globex", "root"],
    one: ["one", "root"],
    two: ["two", "root"],
    root: ["root"],
  };
  for (const [maker, users] of Object.entries(mayName)) {
    const id = await upload(secrets[maker as Who]);
    for (const [who, secret] of Object.entries(secrets)) {
      const may = users.includes(who as Who);
      for (const field of ["upload", "text"]) {
        const body = { kind: "echo", input: { [field]: id } };
        const response = await post(`${app.url}/tasks`, body, bearer(secret));
        const { error, field: named } = await response.json();
        const about = `${who} names ${maker}'s as ${field}: ${error}`;
        assertEquals(response.status, may ? 201 : 422, about);
        if (may) continue;
        assertEquals(named, field === "upload" ? "input.upload" : "input", about);
        // The error is the same as for an upload that never existed.
        assert(error.endsWith("was removed, or never made"), about);
      }
    }
  }
});

Deno.test("an Idempotency-Key, a submitted task and the page's snapshot belong to one owner alone", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const body = { kind: "says", input: { texts: [MARK] }, delay_ms: 3_600_000 };
  const key = { "idempotency-key": "the-same" };
  const send = async (secret: string, more = {}) => {
    const response = await post(`${app.url}/tasks`, { ...body, ...more }, {
      ...bearer(secret),
      ...key,
    });
    return { ...await response.json(), status: response.status };
  };
  const [acme, globex] = ["acme", "globex"].map((owner) => secretOf(owner, "submit"));
  const mine = await send(acme!);
  const theirs = await send(globex!);
  assertEquals([mine.status, theirs.status], [201, 201]);
  assertEquals([mine.owner, theirs.owner], ["acme", "globex"]);
  assert(mine.task_id !== theirs.task_id);
  assertEquals((await send(acme!)).task_id, mine.task_id);
  // A token bound to an owner may name that owner, and no other.
  const named = await send(globex!, { owner: "acme" });
  assertEquals([named.status, named.field], [403, "owner"]);
  const demo = await (await post(`${app.url}/submit`, { steps: 1 }, bearer(globex!))).json();
  const record = await (await fetch(`${app.url}/tasks/${demo.task_id}`, { headers: bearer(ROOT) }))
    .json();
  assertEquals(record.owner, "globex");

  for (const scope of ["admin", "submit", "read"]) {
    const signedIn = await post(`${app.url}/login`, { token: secretOf("globex", scope) });
    await signedIn.body?.cancel();
    const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
    const page = await (await fetch(app.url, { headers: { cookie } })).text();
    assert(page.includes(theirs.task_id) && !page.includes(mine.task_id), scope);
    const one = async (id: string) =>
      await (await fetch(`${app.url}/?task_id=${id}`, { headers: { cookie } })).text();
    assert((await one(theirs.task_id)).includes(theirs.task_id), scope);
    assert(!(await one(mine.task_id)).includes("acme"), scope);
    const list = await (await fetch(`${app.url}/tasks`, { headers: { cookie } })).text();
    assert(list.includes(theirs.task_id) && !list.includes(mine.task_id), scope);
  }
});

Deno.test("no route shows why a module of kinds failed to anybody who may not read all tasks", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/broken.ts`;
  await Deno.writeTextFile(path, `throw new Error("${MARK}");`);
  const HEADWAY_KINDS = path;
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_KINDS, HEADWAY_LOG: "off" });
  const told = async (secret: string) => {
    const headers = secret === "" ? {} : bearer(secret);
    const all = await Promise.all([
      ...["/readyz", "/kinds", "/openapi.json"].map((path) => fetch(app.url + path, { headers })),
      post(`${app.url}/tasks`, { kind: "of-broken" }, headers),
    ]);
    return (await Promise.all(all.map((response) => response.text()))).join("\n");
  };
  await eventually(async () => assert((await told(ROOT)).includes(MARK)));
  for (const secret of ["", secretOf("acme", "submit"), secretOf("acme", "admin")]) {
    const text = await told(secret);
    assert(text.includes("failed") && !text.includes(MARK), text);
  }
});

Deno.test("clientOf() returns different clients for the same name with different owners", () => {
  const of = (owner: string | null, name = "user") => clientOf({ ...NOBODY, name, owner });
  const all = [of(null), of("a"), of("b"), of("a", "user2"), of("a b"), of("a", "user b")];
  assertEquals(new Set(all).size, all.length);
  assertEquals(of(null), "user");
  // A program's own login may give any name.
  assert(of(null, of("a")) !== of("a"));
});
