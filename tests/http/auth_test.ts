import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SignJWT, UnsecuredJWT } from "jose";
import { keys } from "../../lib/kv/keys.ts";
import { start } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import type { Can } from "../../lib/http/tokens.ts";
import type { Server } from "../../lib/server.ts";
import { ROUTES } from "../../routes/mod.ts";
import { bearer, post } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { SECRET } from "../helpers/receiver.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { openRaw, openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const SECRETS = {
  admin: "admin-secret-0123456789",
  submit: "submit-secret-0123456789",
  read: "read-secret-0123456789",
};
const OTHER_SUBMIT = "other-secret-0123456789";
const HEADWAY_TOKENS = [
  ...Object.entries(SECRETS).map(([scope, secret]) => `the-${scope}:${scope}:${secret}`),
  `another:submit:${OTHER_SUBMIT}`,
  ...Object.entries(SECRETS).map(([scope, secret]) => `o-${scope}:${scope}@acme:acme-${secret}`),
].join(",");

/** Submits a delayed task, and returns its id and its token. */
async function submitWaiting(app: Server): Promise<{ id: string; token: string }> {
  const body = { kind: "echo", delay_ms: 3_600_000, owner: "acme" };
  const response = await post(`${app.url}/tasks`, body, bearer(SECRETS.submit));
  const { task_id, token } = await response.json();
  assertEquals(response.status, 201);
  return { id: task_id, token };
}

/** Derives the key for a use from the store's secret, as whoever can read the store could. */
async function storedKey(app: Server, use: string): Promise<CryptoKey> {
  const { value } = await app.engine.store.kv.get<Uint8Array<ArrayBuffer>>(keys.secret);
  const info = new TextEncoder().encode(`headway ${use}`);
  const master = await crypto.subtle.importKey("raw", value!, "HKDF", false, ["deriveKey"]);
  const wanted = { name: "HMAC", hash: "SHA-256", length: 256 };
  const from = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return await crypto.subtle.deriveKey(from, master, wanted, false, ["sign"]);
}

function taskJwt(id: string, expires: string, key: CryptoKey | Uint8Array, audience = "task") {
  return new SignJWT().setProtectedHeader({ alg: "HS256" }).setAudience(audience).setSubject(id)
    .setExpirationTime(expires).sign(key);
}

/** The needs of routes that each credential meets. */
const MAY: Record<string, readonly string[]> = {
  none: ["public"],
  read: ["public", "any", "task", "tasks", "list", "read"],
  // Only its own tasks: A is one of them.
  submit: ["public", "any", "submit", "task", "tasks", "list", "own", "signal", "schedule"],
  "another's submit": ["public", "any", "submit", "tasks", "list", "schedule"],
  admin: [
    ...["public", "any", "task", "tasks", "list", "own", "signal", "change", "bulk"],
    ...["read", "submit", "admin", "schedule"],
  ],
  "task's own": ["public", "task"],
  // Only the tasks of acme: A is one of them.
  "acme's read": ["public", "any", "task", "tasks", "list"],
  "acme's submit": [
    ...["public", "any", "submit", "task", "tasks", "list", "own", "signal", "schedule"],
  ],
  "acme's admin": [
    ...["public", "any", "submit", "task", "tasks", "list", "own", "signal", "change", "bulk"],
    "schedule",
  ],
  "acme's token": ["public", "task", "tasks", "list"],
  "acme's token to cancel": ["public", "own", "schedule"],
};

Deno.test("every route in ROUTES lets in exactly the credentials with the right that the table names", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const a = await submitWaiting(app);
  const b = await submitWaiting(app);
  const right = await storedKey(app, "task");
  const [head, payload, signature] = a.token.split(".") as [string, string, string];
  const other = btoa(atob(payload).replace(a.id, b.id)).replaceAll("=", "");
  const forged = {
    "expired": await taskJwt(a.id, "1 second ago", right),
    "of another key": await taskJwt(a.id, "1h", new Uint8Array(32)),
    "of the session's key": await taskJwt(a.id, "1h", await storedKey(app, "session")),
    "for another use": await taskJwt(a.id, "1h", right, "session"),
    "unsigned": new UnsecuredJWT().setAudience("task").setSubject(a.id).setExpirationTime("1h")
      .encode(),
    "of another task, with A's signature": `${head}.${other}.${signature}`,
    "without signature": `${head}.${payload}.`,
    "that never expires": await new SignJWT().setProtectedHeader({ alg: "HS256" })
      .setAudience("task").setSubject(a.id).sign(right),
    "nonsense": "x",
    "an operator's, cut": SECRETS.admin.slice(0, -1),
  };
  const ownerToken = async (can: Can[], owner = "acme") =>
    (await app.auth.signFor({ owner }, can))!.token;
  // A schedule may have the id of task A, but this is no token for the schedule.
  const taskToken = (await app.auth.signFor({ task: a.id }, ["cancel", "signal"]))!.token;
  const shown: (readonly [
    credential: string,
    headers: Record<string, string>,
    may: readonly string[],
  ])[] = [
    ["none", {}, MAY.none!],
    ...Object.entries(SECRETS).map(([scope, secret]) =>
      [scope, bearer(secret), MAY[scope]!] as [string, Record<string, string>, readonly string[]]
    ),
    ["another's submit", bearer(OTHER_SUBMIT), MAY["another's submit"]!],
    ["task A's", bearer(a.token), MAY["task's own"]!],
    ["task A's, to cancel", bearer(taskToken), ["public", "own", "signal"]],
    ...Object.entries(SECRETS).map(([scope, secret]) =>
      [`acme's ${scope}`, bearer(`acme-${secret}`), MAY[`acme's ${scope}`]!] as const
    ),
    ["acme's token", bearer(await ownerToken(["read"])), MAY["acme's token"]!],
    ["acme's, to cancel", bearer(await ownerToken(["cancel"])), MAY["acme's token to cancel"]!],
    ["acme's, to signal", bearer(await ownerToken(["signal"])), ["public", "signal"]],
    ["globex's token", bearer(await ownerToken(["read", "cancel"], "globex")), [
      ...["public", "tasks", "list", "schedule"],
    ]],
    ["task B's", bearer(b.token), ["public"]],
    ...Object.entries(forged).map(([name, token]) =>
      [name, bearer(token), ["public"]] as [string, Record<string, string>, readonly string[]]
    ),
    ["Basic", { authorization: `Basic ${btoa(`x:${SECRETS.admin}`)}` }, ["public"]],
    ["a cookie that is none", {
      cookie: `${app.auth.cookie.name({ secure: false, path: "/" })}=${a.token}`,
    }, ["public"]],
    ["a token as cookie", {
      cookie: `${app.auth.cookie.name({ secure: false, path: "/" })}=${SECRETS.admin}`,
    }, [
      "public",
    ]],
  ];
  let asked = 0;
  for (const [path, methods] of ROUTES) {
    for (const [method, [need]] of Object.entries(methods)) {
      assert(MAY.admin!.includes(need), `${method} ${path} needs something: ${need}`);
      for (const [credential, headers, may] of shown) {
        const changes = path.startsWith("/tasks/:id") && method !== "GET";
        if (changes && /admin|^submit|acme's submit|to cancel|to signal/.test(credential)) continue;
        const abort = new AbortController();
        const response = await fetch(app.url + path.replace(":id", a.id.toLowerCase()), {
          method,
          headers,
          signal: abort.signal,
          ...(method === "POST" ? { body: "[" } : {}),
        });
        const about = `${credential}: ${method} ${path} answers ${response.status}`;
        // Wrong tokens that do not look like signed ones are limited.
        const guessed = ["nonsense", "an operator's, cut"].includes(credential);
        const refusals = guessed ? [401, 403, 429] : [401, 403];
        const passed = path === "/login" || !refusals.includes(response.status);
        assertEquals(passed, may.includes(need), about);
        if (response.status === 401) {
          assertEquals(response.headers.get("www-authenticate"), "Bearer", about);
        }
        if (!passed) await assertProblem(response, response.status);
        else abort.abort();
        asked++;
      }
    }
  }
  assert(asked > 300);
});

Deno.test("a task's token reads that task, by header and by query, and opens nothing else", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const a = await submitWaiting(app);
  const b = await submitWaiting(app);
  const own = ["", "/events", "/details", "/stream", "/stream-with-id", "/stream-with-heartbeat"];
  const status = async (path: string, init: RequestInit = {}) => {
    const abort = new AbortController();
    const { status } = await fetch(app.url + path, { ...init, signal: abort.signal });
    abort.abort();
    return status;
  };
  for (const rest of own) {
    assertEquals(await status(`/tasks/${a.id}${rest}?token=${a.token}`), 200, rest);
    assertEquals(await status(`/tasks/${b.id}${rest}?token=${a.token}`), 403, rest);
    assertEquals(await status(`/tasks/${b.id}${rest}`, { headers: bearer(a.token) }), 403, rest);
    // The answer does not reveal whether the task exists.
    assertEquals(await status(`/tasks/${b.id.slice(0, -1)}0${rest}?token=${a.token}`), 403, rest);
    // An operator's token is not valid in a URL.
    assertEquals(await status(`/tasks/${a.id}${rest}?token=${SECRETS.admin}`), 401, rest);
    assertEquals(await status(`/tasks/${a.id}${rest}?token=`), 401, rest);
  }
  const others = [
    "/tasks",
    `/tasks?q=${a.id}`,
    "/tasks/counts",
    "/tasks/stream",
    `/tasks/stream?ids=${b.id}`,
    `/tasks/stream?ids=${a.id},${b.id}`,
    `/tasks/stream?ids=${a.id}&rows=${b.id}`,
    `/tasks/stream?rows=${a.id}`,
    `/tasks/stream?ids=&rows=${a.id}`,
    "/tasks/stream?ids=",
    "/tasks/stream?kind=echo",
    "/tasks/stream-all",
    "/kinds",
  ];
  for (const path of others) {
    assertEquals(await status(path, { headers: bearer(a.token) }), 403, path);
    const query = `${path}${path.includes("?") ? "&" : "?"}token=${a.token}`;
    const takes = path.startsWith("/tasks") && path !== "/tasks/stream-all";
    assertEquals(await status(query), takes ? 403 : 401, path);
  }
  const many = `/tasks/stream?ids=${a.id.toLowerCase()}&rows=${a.id}`;
  assertEquals(await status(many, { headers: bearer(a.token) }), 200);
  assertEquals(await status(`${many}&token=${a.token}`), 200);
  const both = `/tasks/stream?ids=${a.id},${b.id}&rows=${b.id}`;
  assertEquals(await status(`${both}&token=${a.token},${b.token}`), 200);
  assertEquals(await status(`${both}&token=${a.token}&token=${b.token}`), 200);
  assertEquals(await status(`${both}&token=${a.token}`), 403);
  assertEquals(await status(`${both}&token=${a.token},${a.token}x`), 401);
  const writes: [path: string, method: string][] = [
    ["/uploads", "POST"],
    ["/tasks", "POST"],
    ["/submit", "POST"],
    ["/tasks/bulk", "POST"],
    [`/tasks/${a.id}/cancel`, "POST"],
    [`/tasks/${a.id}/retry`, "POST"],
    [`/tasks/${a.id}`, "DELETE"],
  ];
  for (const [path, method] of writes) {
    assertEquals(await status(path, { method, headers: bearer(a.token) }), 403, path);
    assertEquals(await status(`${path}?token=${a.token}`, { method }), 401, path);
  }
});

/** A different id. */
function other(id: string): string {
  return id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
}

Deno.test("a submit token sees and cancels the tasks it submitted, and no others", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const mine = await submitWaiting(app);
  const send = (path: string, secret: string, method = "GET") =>
    fetch(app.url + path, { method, headers: bearer(secret) });
  const theirs = await post(`${app.url}/tasks`, { kind: "echo" }, bearer(OTHER_SUBMIT))
    .then((it) => it.json());
  const operators = await post(`${app.url}/tasks`, { kind: "echo" }, bearer(SECRETS.admin))
    .then((it) => it.json());
  // A task of an older version, which did not store who submitted it.
  const { kv } = app.engine.store;
  await eventually(async () => {
    const { status } = await (await send(`/tasks/${operators.task_id}`, SECRETS.admin)).json();
    assertEquals(status, "completed");
  });
  const old = await kv.get<Record<string, unknown>>(keys.task(operators.task_id));
  const { submitter: _, ...head } = old.value!;
  await kv.set(old.key, head);

  for (const rest of ["", "/details", "/events"]) {
    const own = await send(`/tasks/${mine.id}${rest}`, SECRETS.submit);
    assertEquals(own.status, 200, rest);
    assert(!("submitter" in await own.json()), "That is for the store alone");
    const foreign = [theirs.task_id, operators.task_id, other(mine.id), "x"];
    const answers = await Promise.all(foreign.map(async (id) => {
      const problem = await assertProblem(await send(`/tasks/${id}${rest}`, SECRETS.submit), 403);
      return problem.error;
    }));
    // The answer does not reveal whether the task exists.
    assertEquals(new Set(answers).size, 1);
  }
  const listed = async (query: string, secret: string) => {
    const { tasks } = await (await send(`/tasks${query}`, secret)).json();
    return tasks.map((task: { task_id: string }) => task.task_id);
  };
  assertEquals(await listed("", SECRETS.submit), [mine.id]);
  assertEquals(await listed("", OTHER_SUBMIT), [theirs.task_id]);
  assertEquals(await listed("?kind=echo&status=pending", SECRETS.submit), [mine.id]);
  assertEquals(await listed(`?q=${theirs.task_id}`, SECRETS.submit), []);
  assertEquals((await listed("", SECRETS.read)).length, 3);
  const counts = await (await send("/tasks/counts", SECRETS.submit)).json();
  assertEquals([counts.pending, counts.completed], [1, 0]);
  const refused: [path: string, method: string][] = [
    ["/tasks/stream-all", "GET"],
    ["/metrics", "GET"],
    [`/tasks/stream?ids=${mine.id},${theirs.task_id}`, "GET"],
    [`/tasks/stream?ids=${mine.id}&rows=${theirs.task_id}`, "GET"],
    [`/tasks/stream?rows=${theirs.task_id}`, "GET"],
    [`/tasks/${theirs.task_id}/cancel`, "POST"],
    [`/tasks/${mine.id}/retry`, "POST"],
    [`/tasks/${mine.id}`, "DELETE"],
    ["/tasks/bulk", "POST"],
  ];
  for (const [path, method] of refused) {
    await assertProblem(await send(path, SECRETS.submit, method), 403);
  }
  const canceled = await send(`/tasks/${mine.id}/cancel`, SECRETS.submit, "POST");
  assertEquals((await canceled.json()).status, "canceled");
  // A removed task leaves no `submitted` key behind.
  await (await send(`/tasks/${mine.id}`, SECRETS.admin, "DELETE")).body?.cancel();
  assertEquals((await kv.get(keys.submitted("the-submit", mine.id))).versionstamp, null);
  assertEquals(await listed("", SECRETS.submit), []);
});

Deno.test("GET /tasks/stream shows a submit token the tasks it submitted, later ones too, and no others", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const mine = await submitWaiting(app);
  const make = async (secret: string) => {
    const response = await post(`${app.url}/tasks`, { kind: "echo" }, bearer(secret));
    return (await response.json()).task_id as string;
  };
  await make(OTHER_SUBMIT);
  const headers = bearer(SECRETS.submit);
  const idsOf = (events: { event: string; data: string }[]) =>
    new Set(
      events.flatMap(({ event, data }) => {
        const parsed = JSON.parse(data);
        return event === "snapshot" || event === "reset" ? parsed.tasks : [parsed];
      }).map(({ task_id }: { task_id: string }) => task_id),
    );
  await using stream = await openStream(`${app.url}/tasks/stream`, { headers });
  await stream.collect(1);
  await make(OTHER_SUBMIT);
  const next = await make(SECRETS.submit);
  const ended = (id: string) => ({ event, data }: { event: string; data: string }) =>
    event === "complete" && data.includes(id);
  await stream.until(({ events }) => events.some(ended(next)));
  const end = stream.events.find(ended(next))!;
  assertEquals(idsOf(stream.events), new Set([mine.id, next]));
  assert(stream.events.some(({ event, data }) => event === "message" && data.includes(next)));
  // A resumed stream sends its own tasks that were submitted since, and no others.
  const late = await make(SECRETS.submit);
  await make(OTHER_SUBMIT);
  await using again = await openStream(`${app.url}/tasks/stream`, { headers, lastEventId: end.id });
  await again.until(({ events }) => events.some(ended(late)));
  assertEquals(idsOf(again.events), new Set([late]));
  await using named = await openStream(`${app.url}/tasks/stream?ids=${mine.id}`, { headers });
  assertEquals(idsOf(await named.collect(1)), new Set([mine.id]));
});

Deno.test("a submit token without tasks gets an empty snapshot, and then its first task", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  await submitWaiting(app);
  const headers = bearer(OTHER_SUBMIT);
  for (const query of ["", "?kind=echo", "?owner=acme"]) {
    await using stream = await openStream(`${app.url}/tasks/stream${query}`, { headers });
    const [first] = await stream.collect(1);
    assertEquals([first!.event, JSON.parse(first!.data).tasks], ["snapshot", []]);
  }
  await using stream = await openStream(`${app.url}/tasks/stream`, { headers });
  const [snapshot] = await stream.collect(1);
  const resume = { headers, lastEventId: snapshot!.id };
  await using again = await openStream(`${app.url}/tasks/stream`, resume);
  const made = await post(`${app.url}/tasks`, { kind: "echo" }, headers);
  const { task_id } = await made.json();
  for (const one of [stream, again]) {
    await one.until(({ events }) =>
      events.some(({ event, data }) => event === "complete" && data.includes(task_id))
    );
  }
});

Deno.test("GET /tasks/{id}/details shows a task's token that its worker is alive, not where it runs", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const { task_id, token } = await post(
    `${app.url}/tasks`,
    { kind: "waits" },
    bearer(SECRETS.submit),
  ).then((response) => response.json());
  const worker = async (headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/tasks/${task_id}/details`, { headers });
    return Object.keys((await response.json()).worker ?? {});
  };
  const all = await eventually(async () => {
    const names = await worker(bearer(SECRETS.read));
    assert(names.length > 0);
    return names;
  });
  assert(all.includes("host") && all.includes("pid"));
  assertEquals(await worker(bearer(token)), ["silent_ms"]);
});

Deno.test("POST /submit returns a token of its task only if the server has tokens; a read returns none", async () => {
  await using open = await testApp();
  const plain = await post(`${open.url}/submit`).then((it) => it.json());
  assertEquals(Object.keys(plain), ["task_id"]);
  const record = await post(`${open.url}/tasks`, { kind: "echo" }).then((it) => it.json());
  assert(!("token" in record));

  await using app = await testApp({ HEADWAY_TOKENS });
  const headers = bearer(SECRETS.submit);
  const submitted = await post(`${app.url}/submit`, undefined, headers).then((it) => it.json());
  await using stream = await openStream(
    `${app.url}/tasks/${submitted.task_id}/stream?token=${submitted.token}`,
  );
  await stream.collect(1);
  const read = await fetch(`${app.url}/tasks/${submitted.task_id}?token=${submitted.token}`);
  assert(!("token" in await read.json()), "It is in the answer to the submit alone");
});

Deno.test("an Idempotency-Key is a client's own: another client gets another task with the same key", async () => {
  const tokens = "a:submit:aaaaaaaaaaaaaaaa,b:submit:bbbbbbbbbbbbbbbb";
  await using app = await testApp({ HEADWAY_TOKENS: tokens });
  const send = async (secret: string) => {
    const headers = { ...bearer(secret), "idempotency-key": "the-same" };
    const response = await post(`${app.url}/tasks`, { kind: "echo", delay_ms: 1e6 }, headers);
    const { task_id, token } = await response.json();
    assertEquals(typeof token, "string");
    return { status: response.status, task_id };
  };
  const first = await send("aaaaaaaaaaaaaaaa");
  assertEquals(await send("aaaaaaaaaaaaaaaa"), { status: 200, task_id: first.task_id });
  const other = await send("bbbbbbbbbbbbbbbb");
  assertEquals(other.status, 201);
  assert(other.task_id !== first.task_id);
});

Deno.test("a stream ends when its token expires, and opening it again answers 401", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_TASK_TOKEN_MS: "1000" });
  // Tries again if the token expires before its stream has opened.
  const { url, stream } = await eventually(async () => {
    const { id, token } = await submitWaiting(app);
    const url = `${app.url}/tasks/${id}/stream?token=${token}`;
    const stream = await openStream(url);
    await stream.collect(1);
    return { url, stream };
  });
  await stream.all();
  assertEquals(stream.broken, undefined);
  await eventually(async () => {
    const { error } = await assertProblem(await fetch(url), 401);
    assertEquals(error, "This token has expired");
  });
});

Deno.test("sessions and task tokens survive a restart, and a session ends with its operator's token", async () => {
  await using directory = await tempDir();
  const settings = { HEADWAY_KV: `${directory.path}/x.db`, HEADWAY_TOKENS };
  let task: { id: string; token: string };
  let cookie: string;
  {
    await using app = await testApp(settings);
    task = await submitWaiting(app);
    const response = await post(`${app.url}/login`, { token: SECRETS.read });
    assertEquals(await response.json(), { scopes: ["read"] });
    const set = response.headers.get("set-cookie")!;
    assertMatch(
      set,
      /^headway-[0-9a-f]{8}=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    cookie = set.split(";")[0]!;
    assert(!cookie.includes(SECRETS.read) && !atob(cookie.split(".")[1]!).includes(SECRETS.read));
  }
  const statuses = (app: Server) =>
    Promise.all([
      fetch(`${app.url}/tasks`, { headers: { cookie } }),
      fetch(`${app.url}/tasks/${task.id}?token=${task.token}`),
    ].map(async (response) => {
      await (await response).body?.cancel();
      return (await response).status;
    }));
  {
    await using app = await testApp(settings);
    assertEquals(await statuses(app), [200, 200]);
  }
  const changed = HEADWAY_TOKENS.replace(SECRETS.read, "another-secret-012345");
  for (const tokens of [changed, "someone:read:else-else-else-else"]) {
    await using app = await testApp({ ...settings, HEADWAY_TOKENS: tokens });
    assertEquals(await statuses(app), [401, 200]);
  }
  // SECURITY.md names this as the way to end all sessions and tokens.
  {
    using kv = await Deno.openKv(settings.HEADWAY_KV);
    await kv.delete(keys.secret);
  }
  await using app = await testApp(settings);
  assertEquals(await statuses(app), [401, 401]);
});

Deno.test("GET /login gives the session's scopes, POST /login sets its cookie and POST /logout clears it", async () => {
  await using open = await testApp();
  const login = (url: string, headers = {}) =>
    fetch(`${url}/login`, { headers }).then((it) => it.json());
  assertEquals(await login(open.url), { required: false, scopes: ["admin", "submit", "read"] });
  await assertProblem(await post(`${open.url}/login`, { token: "x" }), 409);

  await using app = await testApp({ HEADWAY_TOKENS });
  assertEquals(await login(app.url), { required: true, scopes: [] });
  assertEquals(
    await login(app.url, {
      cookie: `${app.auth.cookie.name({ secure: false, path: "/" })}=x; other`,
    }),
    {
      required: true,
      scopes: [],
    },
  );
  await assertProblem(await post(`${app.url}/login`, { token: "wrong-secret-0123456789" }), 401);
  for (const body of [{}, { token: "" }, { token: 1 }]) {
    assertEquals((await assertProblem(await post(`${app.url}/login`, body), 400)).field, "token");
  }
  for (const body of [undefined, []]) {
    assertEquals((await assertProblem(await post(`${app.url}/login`, body), 400)).field, "body");
  }
  const response = await post(`${app.url}/login`, { token: SECRETS.admin });
  await response.body?.cancel();
  const cookie = response.headers.get("set-cookie")!.split(";")[0]!;
  assertEquals((await login(app.url, { cookie: `a=b; ${cookie}` })).scopes.length, 3);
  const out = await post(`${app.url}/logout`, undefined, { cookie });
  assertEquals(out.status, 204);
  assertMatch(
    out.headers.get("set-cookie")!,
    /^headway-[0-9a-f]{8}=; Path=\/; Max-Age=0; HttpOnly/,
  );
});

Deno.test("POST /login takes ten wrong tokens at once, and then answers 429 with Retry-After", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const statuses: number[] = [];
  // One more guess each second is let through.
  while (!statuses.includes(429)) {
    const response = await post(`${app.url}/login`, { token: `guess-${statuses.length}` });
    await response.body?.cancel();
    statuses.push(response.status);
    if (response.status === 429) assertEquals(response.headers.get("retry-after"), "1");
    assertLess(statuses.length, 60);
  }
  assertEquals(statuses.slice(0, 10), Array(10).fill(401));
});

Deno.test("wrong Bearer tokens get 429, while tokens in use and tokens that nobody can guess keep working", async () => {
  const weak = { used: "password-12345678", unused: "password-87654321" };
  const strong = { used: "5f1c9a0e77b24d38a6c1e09b8d42f3aa", unused: crypto.randomUUID() };
  const entries = Object.entries({ weak, strong }).flatMap(([how, secrets]) =>
    Object.entries(secrets).map(([use, secret]) => `${how}-${use}:read:${secret}`)
  );
  const settings = { HEADWAY_TOKENS: entries.join(), HEADWAY_TRUST_PROXY: "1" };
  await using app = await testApp(settings);
  const ask = async (token: string, address = "192.0.2.1") => {
    const headers = { ...bearer(token), "x-forwarded-for": address };
    return await fetch(`${app.url}/tasks`, { headers });
  };
  const status = async (token: string, address?: string) => {
    const response = await ask(token, address);
    await response.body?.cancel();
    return response.status;
  };
  const task = await app.auth.taskToken("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  const [head, payload] = task!.split(".");
  for (const token of [weak.used, strong.used]) assertEquals(await status(token), 200);
  const guessUntilTold = async () => {
    for (let wrong = 0;; wrong++) {
      const response = await ask(`guess-${wrong}`);
      if (response.status === 429) return { wrong, response };
      await assertProblem(response, 401);
    }
  };
  // Ten guesses at once, then one a second. The first use of the weak token counted as one.
  const { wrong, response } = await guessUntilTold();
  assert(wrong >= 9);
  const { error } = await assertProblem(response, 429);
  assertMatch(error, /^Too many wrong tokens: try again in 1 s$/);
  assertEquals(response.headers.get("retry-after"), "1");
  for (let n = 0; n < 20; n++) {
    await (await guessUntilTold()).response.body?.cancel();
    for (const token of [weak.used, strong.used, strong.unused]) {
      assertEquals(await status(token), 200);
    }
    // A task's token gets 403, as it opens no list. A forged one does not count as a guess.
    assertEquals(await status(task!), 403);
    assertEquals(await status(`${head}.${payload}.${"x".repeat(43)}`), 401);
    assertEquals(await status("guess", `192.0.2.${2 + n}`), 401);
  }
  // A right guess waits as a wrong one does, but not at another address.
  await (await guessUntilTold()).response.body?.cancel();
  const guess = await ask(weak.unused);
  // If a second has passed, one more guess is let through.
  if (guess.status === 429) assertEquals(guess.headers.get("retry-after"), "1");
  else assertEquals(guess.status, 200);
  await guess.body?.cancel();
  assertEquals(await status(weak.unused, "198.51.100.1"), 200);
});

Deno.test("HEADWAY_WRITE_RATE: a client that writes too much gets 429; other clients write and read on", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_WRITE_RATE: "1" });
  const write = (secret: string) =>
    post(`${app.url}/tasks`, { kind: "echo", delay_ms: 1e6 }, bearer(secret));
  let refused: Response | undefined;
  for (let n = 0; n < 30 && refused === undefined; n++) {
    const response = await write(SECRETS.submit);
    if (response.status === 429) refused = response;
    else await response.body?.cancel();
  }
  assertEquals(refused?.headers.get("retry-after"), "1");
  assertMatch((await assertProblem(refused!, 429)).error, /^Too many writes/);
  const other = await write(SECRETS.admin);
  assertEquals(other.status, 201);
  await other.body?.cancel();
  const read = await fetch(`${app.url}/tasks`, { headers: bearer(SECRETS.read) });
  assertEquals(read.status, 200);
  await read.body?.cancel();
});

Deno.test("HEADWAY_TRUST_PROXY puts Location below X-Forwarded-Prefix, if that is a valid path", async () => {
  const location = async (settings: Record<string, string>, prefix: string) => {
    await using app = await testApp(settings);
    const headers = { "x-forwarded-prefix": prefix };
    const response = await post(`${app.url}/tasks`, { kind: "echo" }, headers);
    const { task_id } = await response.json();
    return response.headers.get("location")!.replace(task_id, "…");
  };
  const HEADWAY_TRUST_PROXY = "1";
  for (const prefix of ["/jobs", "/jobs/"]) {
    assertEquals(await location({ HEADWAY_TRUST_PROXY }, prefix), "/jobs/tasks/…");
    assertEquals(await location({}, prefix), "/tasks/…");
  }
  for (const prefix of ["//evil.example", "https://evil.example", "/..", "jobs", "/a?b", "/"]) {
    assertEquals(await location({ HEADWAY_TRUST_PROXY }, prefix), "/tasks/…", prefix);
  }
});

Deno.test("HEADWAY_TRUST_PROXY: address and scheme are what the proxy says, never what the client claims", async () => {
  await using plain = await testApp({ HEADWAY_TOKENS });
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_TRUST_PROXY: "1" });
  const login = (url: string, headers: Record<string, string>) =>
    post(`${url}/login`, { token: SECRETS.read }, headers);
  const told = { "x-forwarded-proto": "https", host: "x.example" };
  const secure = async (url: string) => {
    const response = await login(url, told);
    await response.body?.cancel();
    return /; Secure$/.test(response.headers.get("set-cookie")!);
  };
  assertEquals([await secure(plain.url), await secure(app.url)], [false, true]);
  const statuses: number[] = [];
  while (!statuses.includes(429)) {
    // The client may write anything in front of the proxy's entry.
    const forwarded = { "x-forwarded-for": `10.0.0.${statuses.length}, 192.0.2.1` };
    const response = await login(app.url, forwarded);
    await response.body?.cancel();
    statuses.push(response.status);
    assertLess(statuses.length, 60);
  }
  assertEquals(statuses.slice(0, 10), Array(10).fill(200));
  const other = await login(app.url, { "x-forwarded-for": "192.0.2.1, 192.0.2.2" });
  await other.body?.cancel();
  assertEquals(other.status, 200);
});

Deno.test("start() on an address that others can reach needs tokens or HEADWAY_INSECURE=1", async () => {
  const settings = (more: Record<string, string>) =>
    readConfig((name) =>
      ({ HEADWAY_PORT: "0", HEADWAY_KV: ":memory:", HEADWAY_LOG: "off", ...more })[name]
    );
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "x.example"]) {
    await assertRejects(
      () => start(settings({ HEADWAY_HOST: host }), { inline: true }),
      Error,
      `Others can reach ${host}: set HEADWAY_TOKENS or HEADWAY_TOKENS_FILE, or HEADWAY_INSECURE=1`,
    );
  }
  for (
    const [more, status] of [[{ HEADWAY_TOKENS }, 401], [{ HEADWAY_INSECURE: "1" }, 200]] as const
  ) {
    await using app = await start(settings({ HEADWAY_HOST: "0.0.0.0", ...more }), { inline: true });
    const response = await fetch(`http://127.0.0.1:${new URL(app.url).port}/tasks`);
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
  // A worker does not listen, so it needs no tokens.
  await using _worker = await start(
    settings({ HEADWAY_HOST: "0.0.0.0", HEADWAY_ROLE: "worker" }),
    { inline: true },
  );
});

Deno.test("HEADWAY_TOKENS_FILE adds the token of each line, and an unusable file stops the start", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/tokens`;
  const settings = { HEADWAY_TOKENS: "a:read:aaaaaaaaaaaaaaaa", HEADWAY_TOKENS_FILE: path };
  await Deno.writeTextFile(
    path,
    "# of the team\nb:read:bbbbbbbbbbbbbbbb\n\nc:submit:cccccccccccccccc\n",
  );
  {
    await using app = await testApp(settings);
    for (const [letter, status] of [["a", 200], ["b", 200], ["c", 403], ["d", 401]] as const) {
      const headers = bearer(letter.repeat(16));
      const response = await fetch(`${app.url}/metrics`, { headers });
      await response.body?.cancel();
      assertEquals(response.status, status);
    }
  }
  for (
    const [text, why] of [["", "there is no token"], ["a:read:dddddddddddddddd", "used twice"]]
  ) {
    await Deno.writeTextFile(path, text!);
    const error = await assertRejects(() => testApp(settings), TypeError, why!);
    assertStringIncludes((error as Error).message, "HEADWAY_TOKENS_FILE cannot be used");
  }
  await Deno.remove(path);
  await assertRejects(() => testApp(settings), TypeError, "HEADWAY_TOKENS_FILE cannot be used");
});

Deno.test("no secret is ever logged, nor handed to a task's process", async () => {
  const secret = "query-secret-0123456789";
  await using server = await startServer({
    env: {
      HEADWAY_TOKENS,
      HEADWAY_LOG: "debug",
      HEADWAY_TASK_PERMISSIONS: "-A",
      HEADWAY_WEBHOOK_SECRET: SECRET,
    },
  });
  const headers = bearer(SECRETS.admin);
  const { task_id, token } = await post(`${server.url}/tasks`, {
    kind: "environment",
  }, headers).then((it) => it.json());
  await using stream = await openStream(`${server.url}/tasks/${task_id}/stream?token=${token}`);
  await stream.all();
  assertEquals(stream.data("complete")[0].result, "");
  const login = await post(`${server.url}/login`, { token: SECRETS.read });
  await login.body?.cancel();
  const [name, session = ""] = login.headers.get("set-cookie")!.split(/[=;]/);
  const wrong: [path: string, headers: Record<string, string>][] = [
    [`/tasks/${task_id}?token=${secret}`, {}],
    [`/tasks/${task_id}/nothing?token=${secret}`, {}],
    [`/tasks?token=${secret}`, { cookie: `${name}=${session}x` }],
    ["/tasks", bearer(secret)],
    [`/tasks/${task_id}/events?after=x`, { cookie: `${name}=${session}` }],
  ];
  for (const [path, headers] of wrong) {
    const response = await fetch(server.url + path, { headers }).catch(() => null);
    const text = await response?.text() ?? "";
    assert(!text.includes(secret), text);
  }
  using raw = await openRaw(`${server.url}/?token=${secret}`, { headers: { host: "[" } });
  await raw.until("\r\n\r\n");
  await server.kill("SIGTERM");
  const log = server.stderr.join("\n");
  for (const word of [secret, token, session, SECRET, ...Object.values(SECRETS)]) {
    assert(!log.includes(word), log);
  }
});

Deno.test("a start with OTEL_DENO=true and tokens warns that traces hold URLs with tokens", async () => {
  for (const [env, told] of [[{ HEADWAY_TOKENS }, true], [{}, false]] as const) {
    await using server = await startServer({
      env: { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "console", ...env },
    });
    await server.kill("SIGTERM");
    assertEquals(server.stderr.some((line) => line.includes("drop url.full")), told);
  }
});

Deno.test("POST /uploads without a token answers 401 before the body arrives, and stores none of it", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  using connection = await openRaw(`${app.url}/uploads`, {
    method: "POST",
    headers: { "content-length": "50000000" },
  });
  await connection.write(new Uint8Array(1000));
  assert(await connection.until("\r\n\r\n"));
  assertMatch(connection.head, /^HTTP\/1\.1 401 /);
  assertEquals((await Array.fromAsync(app.engine.store.kv.list({ prefix: ["piece"] }))).length, 0);
});
