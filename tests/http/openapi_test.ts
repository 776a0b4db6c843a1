import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Server } from "../../lib/server.ts";
import { ROUTES } from "../../routes/mod.ts";
import { describeOperation } from "../../routes/openapi/document.ts";
import { OPERATIONS } from "../../routes/openapi/operations.ts";
import { type SchemaName, SCHEMAS } from "../../routes/openapi/schemas.ts";
import { bearer, finished, post, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { SECRET } from "../helpers/receiver.ts";
import { TEST_KINDS } from "../helpers/kinds.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

const SECRETS = {
  admin: "admin-secret-0123456789",
  submit: "submit-secret-0123456789",
  read: "read-secret-0123456789",
};
const HEADWAY_TOKENS = Object.entries(SECRETS)
  .map(([scope, secret]) => `the-${scope}:${scope}:${secret}`).join(",");
const NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

// deno-lint-ignore no-explicit-any -- OpenAPI, as the standard shapes it
type Document = any;

async function readDocument(app: Server): Promise<Document> {
  const response = await fetch(`${app.url}/openapi.json`, { headers: bearer(SECRETS.read) });
  assertEquals(response.headers.get("content-type"), "application/json");
  return await response.json();
}

/** A store whose commits can be made to fail. */
function brittle(real: Deno.Kv): { kv: Deno.Kv; break(): void; mend(): void } {
  let broken = false;
  const kv = new Proxy(real, {
    get(_, name) {
      if (name === "atomic" && broken) {
        const atomic = real.atomic();
        atomic.commit = () => Promise.reject(new TypeError("database is locked"));
        return () => atomic;
      }
      const value = Reflect.get(real, name);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
  return { kv, break: () => broken = true, mend: () => broken = false };
}

/** A cron pattern that is due too seldom for a test to see. */
const YEARLY = "0 0 1 1 *";

/** A module with one more kind, which has a schedule. */
const SCHEDULED = "./tests/helpers/scheduled_kind.ts";

/** A request: its path from the root, and the rest of it. */
type Sent = [path: string, init?: RequestInit & { headers?: Record<string, string> }];

/** The servers that the test sends requests to. */
interface Servers {
  main: Server;
  /** Bodies must arrive within 100 ms. */
  hasty: Server;
  /** Has no room for uploads. */
  full: Server;
  /** Takes one write a second from a client, after ten at once. */
  sparing: Server;
  /** Its store takes no writes. */
  stalled: Server;
  /** Needs no token. */
  open: Server;
}

/** The requests that provoke an answer, if the general rules of the test do not. */
function specific(
  main: Server,
  make: (kind: string, more?: object) => Promise<string>,
): Record<string, () => Sent | Promise<Sent>> {
  const admin = bearer(SECRETS.admin);
  const json = (body: unknown) => ({ body: JSON.stringify(body) });
  const done = async (kind = "echo", more: object = {}) => {
    const id = await make(kind, more);
    await eventually(async () => {
      const response = await fetch(`${main.url}/tasks/${id}`, { headers: admin });
      assertEquals((await response.json()).status, "completed");
    });
    return id;
  };
  const made = () => done("files", { input: { files: [{ name: "a.bin", size: 7 }] } });
  const later = () => make("echo", { delay_ms: 3_600_000 });
  const canceled = async () => {
    const id = await later();
    const response = await fetch(`${main.url}/tasks/${id}/cancel`, {
      method: "POST",
      headers: admin,
    });
    await response.body?.cancel();
    return id;
  };
  const scheduled = async (schedule_id?: string): Promise<string> => {
    const named = schedule_id === undefined ? {} : { schedule_id };
    const body = { ...named, kind: "echo", cron: YEARLY };
    return (await (await post(`${main.url}/schedules`, body, admin)).json()).schedule_id;
  };
  const runOnce = async (path: string, init: { headers?: Record<string, string> } = {}) => {
    await (await post(main.url + path, undefined, { ...admin, ...init.headers })).body?.cancel();
  };
  const ofKind = async () => {
    await eventually(async () => {
      const response = await fetch(`${main.url}/schedules/kind:yearly`, { headers: admin });
      await response.body?.cancel();
      assertEquals(response.status, 200);
    });
    return "kind:yearly";
  };
  const sse: Record<string, () => Promise<Sent>> = {};
  for (const name of ["stream", "stream-with-heartbeat", "stream-with-id"]) {
    sse[`GET /tasks/:id/${name} 200`] = async () => [`/tasks/${await done()}/${name}`];
    sse[`GET /tasks/:id/${name} 204`] = async () => {
      const id = await done();
      const record = await (await fetch(`${main.url}/tasks/${id}`, { headers: admin })).json();
      return [`/tasks/${id}/${name}`, { headers: { "last-event-id": String(record.seq) } }];
    };
    sse[`GET /tasks/:id/${name} 406`] = async () => [
      `/tasks/${await later()}/${name}`,
      { headers: { accept: "application/json" } },
    ];
  }
  const unchanged: Record<string, () => Promise<Sent>> = {};
  for (const [path] of ROUTES) {
    const at = path.replace("i18n/:file", "i18n/en.js").replace(":file", "base.css");
    unchanged[`GET ${path} 304`] = async () => {
      const response = await fetch(main.url + at);
      await response.body?.cancel();
      return [at, { headers: { "if-none-match": response.headers.get("etag")! } }];
    };
  }
  return {
    ...unchanged,
    ...sse,
    "POST /login 200": () => ["/login", json({ token: SECRETS.read })],
    "POST /login 401": () => ["/login", json({ token: "nobody's" })],
    "POST /login 409": () => ["/login", json({ token: SECRETS.read })],
    "POST /submit 422": () => ["/submit", json({ steps: -1 })],
    "GET /tasks 400": () => ["/tasks?limit=0"],
    "POST /tasks 200": async () => {
      const sent: Sent = ["/tasks", {
        ...json({ kind: "echo" }),
        headers: { "idempotency-key": "twice" },
      }];
      await (await post(main.url + sent[0], { kind: "echo" }, {
        ...admin,
        ...sent[1]!.headers,
      })).body?.cancel();
      return sent;
    },
    "POST /tasks 201": () => ["/tasks", json({ kind: "echo", input: 1 })],
    "POST /tasks 422": () => ["/tasks", json({ kind: "nothing" })],
    "POST /tasks/bulk 200": async () => [
      "/tasks/bulk",
      json({ action: "cancel", ids: [await later(), await done(), NOBODY] }),
    ],
    "POST /tasks/bulk 404": () => ["/tasks/bulk", json({ action: "cancel", ids: ["x"] })],
    "GET /tasks/counts 400": () => ["/tasks/counts?kind=!"],
    "GET /tasks/stream 400": () => ["/tasks/stream?ids=,"],
    "GET /tasks/stream 404": () => ["/tasks/stream?ids=x"],
    "GET /tasks/stream 406": () => ["/tasks/stream", { headers: { accept: "text/plain" } }],
    "GET /tasks/stream-all 406": () => ["/tasks/stream-all", { headers: { accept: "text/plain" } }],
    "GET /tasks/:id 304": async () => {
      const path = `/tasks/${await later()}`;
      const response = await fetch(main.url + path, { headers: admin });
      await response.body?.cancel();
      return [path, { headers: { "if-none-match": response.headers.get("etag")! } }];
    },
    "GET /tasks/:id/artifacts 200": async () => [`/tasks/${await made()}/artifacts`],
    "GET /tasks/:id/artifacts/:name 200": async () => [`/tasks/${await made()}/artifacts/a.bin`],
    "GET /tasks/:id/artifacts/:name 206": async () => [
      `/tasks/${await made()}/artifacts/a.bin`,
      { headers: { range: "bytes=1-2" } },
    ],
    "GET /tasks/:id/artifacts/:name 304": async () => {
      const path = `/tasks/${await made()}/artifacts/a.bin`;
      const response = await fetch(main.url + path, { headers: admin });
      await response.body?.cancel();
      return [path, { headers: { "if-none-match": response.headers.get("etag")! } }];
    },
    "GET /tasks/:id/artifacts/:name 416": async () => [
      `/tasks/${await made()}/artifacts/a.bin`,
      { headers: { range: "bytes=7-" } },
    ],
    "GET /kinds/:kind/audit 400": () => ["/kinds/echo/audit?limit=0"],
    "POST /tasks/:id/deliveries/:n/resend 202": async () => {
      const id = await make("echo", { notify: [{ url: "https://a.invalid/", secret: SECRET }] });
      await eventually(async () => {
        const response = await fetch(`${main.url}/tasks/${id}/deliveries`, { headers: admin });
        assertEquals((await response.json()).deliveries.length, 1);
      });
      return [`/tasks/${id}/deliveries/1/resend`];
    },
    "GET /tasks/:id/events 400": async () => [`/tasks/${await later()}/events?limit=x`],
    "PATCH /tasks/:id 200": async () => [
      `/tasks/${await done()}`,
      { body: '{"keep":1000}' },
    ],
    "PATCH /tasks/:id 404": () => [`/tasks/${NOBODY}`, { body: '{"keep":1000}' }],
    "PATCH /tasks/:id 409": async () => [`/tasks/${await later()}`, { body: '{"keep":1000}' }],
    "PATCH /tasks/:id 422": async () => [`/tasks/${await done()}`, { body: '{"keep":"forever"}' }],
    "PATCH /tasks/:id 503": () => ["/tasks/:id", { body: '{"keep":1000}' }],
    "DELETE /tasks/:id 204": async () => [`/tasks/${await done()}`],
    "DELETE /tasks/:id 409": async () => [`/tasks/${await later()}`],
    "POST /tasks/:id/retry 200": async () => [`/tasks/${await canceled()}/retry`],
    "POST /tasks/:id/retry 201": async () => [`/tasks/${await done()}/retry`],
    "POST /tasks/:id/retry 400": async () => [
      `/tasks/${await done()}/retry`,
      { headers: { "idempotency-key": "a b" } },
    ],
    "POST /tasks/:id/retry 422": async () => {
      const sent = { headers: { ...admin, "idempotency-key": "again" } };
      const first = await fetch(`${main.url}/tasks/${await done()}/retry`, {
        method: "POST",
        ...sent,
      });
      await first.body?.cancel();
      return [`/tasks/${await done()}/retry`, sent];
    },
    "POST /tasks/:id/retry 409": async () => [`/tasks/${await later()}/retry`],
    "POST /tasks/:id/cancel 200": async () => [`/tasks/${await later()}/cancel`],
    "POST /tasks/:id/cancel 202": async () => {
      const id = await make("ignores-cancel");
      await eventually(async () => {
        const response = await fetch(`${main.url}/tasks/${id}`, { headers: admin });
        assertEquals((await response.json()).message, "deaf");
      });
      return [`/tasks/${id}/cancel`];
    },
    "POST /tasks/:id/cancel 409": async () => [`/tasks/${await done()}/cancel`],
    "POST /tasks/:id/signals/:name 200": async () => [`/tasks/${await later()}/signals/go`],
    "POST /tasks/:id/signals/:name 400": async () => [
      `/tasks/${await later()}/signals/go`,
      { body: "{" },
    ],
    "POST /tasks/:id/signals/:name 409": async () => [`/tasks/${await done()}/signals/go`],
    "POST /tasks/:id/signals/:name 422": async () => {
      const id = await make("asks");
      await eventually(async () => {
        const response = await fetch(`${main.url}/tasks/${id}`, { headers: admin });
        assertEquals((await response.json()).status, "waiting");
      });
      return [`/tasks/${id}/signals/approve`, json({ ok: "yes" })];
    },
    "GET /schedules 400": () => ["/schedules?limit=0"],
    "POST /schedules 201": () => ["/schedules", json({ kind: "echo", cron: YEARLY })],
    "POST /schedules 409": async () => [
      "/schedules",
      json({ schedule_id: await scheduled("twice"), kind: "echo", cron: YEARLY }),
    ],
    "POST /schedules 422": () => ["/schedules", json({ kind: "echo", cron: "* *" })],
    "GET /schedules/:id 200": async () => [`/schedules/${await scheduled()}`],
    "PATCH /schedules/:id 200": async () => [
      `/schedules/${await scheduled()}`,
      json({ paused: true }),
    ],
    "PATCH /schedules/:id 400": () => ["/schedules/x", json({ paused: 1 })],
    "PATCH /schedules/:id 404": () => ["/schedules/x", json({ paused: true })],
    "PATCH /schedules/:id 409":
      async () => [`/schedules/${await ofKind()}`, json({ cron: YEARLY })],
    "PATCH /schedules/:id 422": async () => [
      `/schedules/${await scheduled()}`,
      json({ zone: "Mars" }),
    ],
    "PATCH /schedules/:id 503": () => ["/schedules/here", json({ paused: true })],
    "POST /schedules 503": () => ["/schedules", json({ kind: "echo", cron: YEARLY })],
    "DELETE /schedules/:id 204": async () => [`/schedules/${await scheduled()}`],
    "DELETE /schedules/:id 409": async () => [`/schedules/${await ofKind()}`],
    "DELETE /schedules/:id 503": () => ["/schedules/here"],
    "POST /schedules/:id/run 200": async () => {
      const sent: Sent = [`/schedules/${await scheduled()}/run`, {
        headers: { "idempotency-key": "run-twice" },
      }];
      await runOnce(...sent);
      return sent;
    },
    "POST /schedules/:id/run 201": async () => [`/schedules/${await scheduled()}/run`],
    "POST /schedules/:id/run 400": async () => [
      `/schedules/${await scheduled()}/run`,
      { headers: { "idempotency-key": "a b" } },
    ],
    "POST /schedules/:id/run 422": async () => {
      const init = { headers: { "idempotency-key": "run-other" } };
      await runOnce(`/schedules/${await scheduled()}/run`, init);
      return [`/schedules/${await scheduled()}/run`, init];
    },
    "POST /schedules/:id/run 503": () => ["/schedules/here/run"],
    "POST /tokens 200": () => ["/tokens", json({ owner: "acme", can: ["read", "cancel"] })],
    "POST /tokens 404": () => ["/tokens", json({ task_id: "x" })],
    "POST /tokens 409": () => ["/tokens", json({ owner: "acme" })],
    "POST /uploads 400": () => [
      "/uploads",
      { body: "no form", headers: { "content-type": "multipart/form-data; boundary=x" } },
    ],
    "POST /uploads 201": () => ["/uploads?name=a.csv", { body: "a,b\n1,2\n" }],
    "GET /icon.svg 200": () => ["/icon.svg?status=running&progress=40"],
    "GET /icon.svg 400": () => ["/icon.svg?status=x"],
    "GET /static/i18n/:file 200": () => ["/static/i18n/en.js"],
    "GET /static/i18n/:file 404": () => ["/static/i18n/xx.js"],
    "GET /static/:file 200": () => ["/static/base.css"],
    "GET /static/:file 404": () => ["/static/nothing.js"],
  };
}

/** The server that gives the answer with this status and name. */
function serverFor(status: number, name: string): keyof Servers {
  if (status === 408) return "hasty";
  if (status === 429) return "sparing";
  if (status === 503) return "stalled";
  if (status === 507) return "full";
  return name === "POST /login 409" || name === "POST /tokens 409" ? "open" : "main";
}

/** The answer to a body that does not end. */
async function askSlowly(
  url: string,
  method: string,
  headers: Record<string, string>,
): Promise<Response> {
  const length = { "content-length": "50", connection: "close" };
  using connection = await openRaw(url, { method, headers: { ...headers, ...length } });
  await connection.write(new TextEncoder().encode("{"));
  await connection.until("}");
  const [line, ...lines] = connection.head.split("\r\n");
  const fields = lines.map((line) => line.split(": ", 2) as [string, string]);
  const status = Number(line!.split(" ")[1]);
  return new Response(connection.body().text, { status, headers: fields });
}

Deno.test("GET /openapi.json lists every route and no other, and each of its references exists", async () => {
  await using app = await testApp({ HEADWAY_TOKENS });
  const document = await readDocument(app);
  assertEquals(document.openapi, "3.1.0");
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
  );
  const table = ROUTES.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`)
  );
  assertEquals(listed, table);
  assertEquals(Object.keys(OPERATIONS).length, table.length);
  const ids = Object.values(OPERATIONS).map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
  for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    assert(name!.startsWith("#/components/schemas/"), name);
    let found = document;
    for (const part of name!.slice(2).split("/")) found = found?.[part];
    assert(found, name);
  }
  // Each kind has its own input, the same as in GET /kinds.
  const { kinds } = await (await fetch(`${app.url}/kinds`, { headers: bearer(SECRETS.read) }))
    .json();
  const { schema } = document.paths["/tasks"].post.requestBody.content["application/json"];
  assertEquals(schema.oneOf.map(({ title }: { title: string }) => title), [...app.kinds.names()]);
  for (const { kind, input } of kinds) {
    const { properties } = document.components.schemas[`input.${kind}`];
    assertEquals(Object.keys(properties ?? {}), Object.keys(input?.properties ?? {}), kind);
  }
  assertEquals(document.paths["/tasks/{id}"].get.security, [
    { operator: [] },
    { session: [] },
    { task: [] },
  ]);
  assertEquals(document.paths["/healthz"].get.security, []);
});

Deno.test("the server gives every answer that /openapi.json documents, with the documented body", async () => {
  const settings = { HEADWAY_TOKENS, HEADWAY_MAX_BODY: "1000", HEADWAY_MAX_UPLOAD: "1000" };
  const quiet = { HEADWAY_TOKENS, HEADWAY_LOG: "off" };
  using real = await Deno.openKv(":memory:");
  const store = brittle(real);
  const HEADWAY_KINDS = `${TEST_KINDS},${SCHEDULED}`;
  await using main = await testApp({ ...settings, HEADWAY_KINDS }, { inline: false });
  await using hasty = await testApp({ ...settings, HEADWAY_BODY_TIMEOUT_MS: "100" });
  await using sparing = await testApp({ ...settings, HEADWAY_WRITE_RATE: "1" });
  await using stalled = await testApp(quiet, { kv: store.kv });
  await using full = await testApp({ ...settings, HEADWAY_UPLOAD_QUOTA: "1" });
  await using open = await testApp();
  const servers: Servers = { main, hasty, sparing, stalled, full, open };
  const admin = bearer(SECRETS.admin);
  const make = async (kind: string, more: object = {}) => {
    const response = await post(`${main.url}/tasks`, { kind, ...more }, bearer(SECRETS.submit));
    return (await response.json()).task_id as string;
  };
  const cases = specific(main, make);
  const token = (await (await post(`${main.url}/tasks`, { kind: "echo" }, admin)).json()).token;
  const known = await make("echo", { delay_ms: 3_600_000 });
  const here = await (await post(`${stalled.url}/tasks`, { kind: "echo" }, admin)).json();
  const body = { schedule_id: "here", kind: "echo", cron: YEARLY };
  await (await post(`${stalled.url}/schedules`, body, admin)).body?.cancel();
  cases["POST /logout 503"] = async () => {
    const response = await post(`${stalled.url}/login`, { token: SECRETS.read });
    await response.body?.cancel();
    const cookie = response.headers.get("set-cookie")!.split(";")[0]!;
    return ["/logout", { headers: { cookie } }];
  };
  // Also if the test fails: a server cannot stop before its store takes the pending writes.
  using _mended = { [Symbol.dispose]: store.mend };
  store.break();
  const waiting = post(`${stalled.url}/tasks`, { kind: "echo" }, admin);
  await eventually(() => assert(stalled.engine.store.journal.stalledMs > 2000));
  await (await waiting).body?.cancel();
  const document = await readDocument(main);

  let asked = 0;
  for (const [path, methods] of ROUTES) {
    for (const [method, [need]] of Object.entries(methods)) {
      const operation = describeOperation(path, method, need);
      for (const status of Object.keys(operation.answers).map(Number)) {
        const name = `${method} ${path} ${status}`;
        const base = servers[serverFor(status, name)].url;
        let [at, init = {}]: Sent = await cases[name]?.() ?? [path];
        const id = status === 404 ? NOBODY : status === 503 ? here.task_id : known;
        at = at.replace(":id", id).replace(":file", "base.css").replace(":name", "go")
          .replace(":kind", status === 404 ? "nothing" : "echo");
        let headers: Record<string, string> = { ...admin, ...init.headers };
        if (!cases[name]) {
          if (status === 401) headers = {};
          if (status === 429 && method === "GET") headers = bearer("a-guess");
          if (status === 403) {
            const writes = ["submit", "own", "signal", "change", "bulk", "schedule", "admin"]
              .includes(need);
            const secret = writes ? SECRETS.read : need === "read" ? SECRETS.submit : token;
            headers = need === "public" ? { origin: "https://else.example" } : bearer(secret);
          }
          if (operation.body) init = { body: operation.body === "bytes" ? "x" : "{}" };
          if (status === 400) init = { body: "[" };
          if (status === 415) headers["content-encoding"] = "br";
          if (status === 413) init = { body: "x".repeat(2000) };
          if (status === 503 && path === "/tasks") init = { body: '{"kind":"echo"}' };
          if (status === 503 && path === "/tasks/bulk") {
            init = { body: JSON.stringify({ action: "delete", ids: [here.task_id] }) };
          }
        }
        const abort = new AbortController();
        const ask = () =>
          fetch(base + at, { method, ...init, headers, signal: abort.signal, redirect: "manual" });
        let response = status === 408 ? await askSlowly(base + at, method, headers) : await ask();
        // Ten requests at once are let through before one is refused.
        for (let tries = 0; status === 429 && response.status !== 429 && tries < 30; tries++) {
          await response.body?.cancel();
          response = await ask();
        }
        const about = `${name} is answered ${response.status}`;
        assertEquals(response.status, status, about);
        const told = document.paths[path.replace(/:(\w+)/g, "{$1}")][method.toLowerCase()]
          .responses[status];
        const [type, media] = Object.entries(told.content ?? {})[0] ?? [null, null];
        const own = response.headers.get("content-type")?.split(";")[0] ?? null;
        if (type !== "*/*" && status !== 304) assertEquals(own, type, about);
        const ref = (media as { schema?: { $ref: string } } | null)?.schema?.$ref;
        if (ref) {
          const shape = SCHEMAS[ref.split("/").at(-1) as SchemaName];
          const body = await response.json();
          assertEquals(shape.safeParse(body).error?.message, undefined, about);
        } else if (type === "text/event-stream") {
          abort.abort();
          await response.body?.cancel().catch(() => {});
        } else {
          assertEquals((await response.arrayBuffer()).byteLength > 0, type !== null, about);
        }
        asked++;
      }
    }
  }
  assert(asked > 100, `${asked}`);
});

Deno.test("records, event pages, details and artifacts of tasks have the documented shape", async () => {
  await using app = await testApp();
  const ids = [];
  for (
    const [kind, input] of [
      ["demo", { steps: 2, interval_ms: 0 }],
      ["throws", {}],
      ["throws", { final: true }],
      ["outputs", { values: [1, null, { a: [] }] }],
      ["files", { files: [{ name: "a", size: 1 }] }],
      ["echo", "x"],
    ] as const
  ) {
    const labels = kind === "echo" ? { keep: 5000 } : { owner: "acme", tags: ["a", "b"] };
    const response = await post(`${app.url}/tasks`, { kind, input, ...labels });
    const record = await response.json();
    assertEquals(SCHEMAS.SubmittedTask.safeParse(record).error, undefined);
    ids.push(record.task_id);
  }
  const waits = (await (await post(`${app.url}/tasks`, { kind: "waits" })).json()).task_id;
  const staged = { kind: "weighted", input: { gate: "shape" } };
  const weighted = (await (await post(`${app.url}/tasks`, staged)).json()).task_id;
  await taskWhen(app.url, weighted, ({ stages }) => stages !== undefined);
  await taskWhen(app.url, waits, ({ status }) => status === "running");
  for (const id of ids) await finished(app.url, id);
  for (const id of [...ids, waits, weighted]) {
    for (
      const [path, shape] of [
        [`/tasks/${id}`, SCHEMAS.Task],
        [`/tasks/${id}/events`, SCHEMAS.EventPage],
        [`/tasks/${id}/details`, SCHEMAS.Details],
        [`/tasks/${id}/artifacts`, SCHEMAS.Artifacts],
      ] as const
    ) {
      const body = await (await fetch(app.url + path)).json();
      assertEquals(shape.safeParse(body).error?.message, undefined, JSON.stringify(body));
    }
  }
  const page = await (await fetch(`${app.url}/tasks`)).json();
  assertEquals([SCHEMAS.TaskPage.safeParse(page).error, page.tasks.length], [undefined, 8]);
});

Deno.test("GET /docs shows every route in a browser, without scripts, and without files from elsewhere", async () => {
  await using app = await testApp();
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`${app.url}/docs`);
  const { page, problems } = opened;
  const shown = await page.$$eval("section[id] h3", (found) => found.map((it) => it.textContent));
  for (const [path, methods] of ROUTES) {
    for (const method of Object.keys(methods)) {
      const title = `${method} ${path.replace(/:(\w+)/g, "{$1}")}`;
      assert(shown.some((text) => text?.replace(/\s+/g, " ").trim() === title), title);
    }
  }
  // Every link within the document has a target, and the style sheet is loaded.
  const lost = await page.$$eval(
    "a[href^='#']",
    (links) =>
      links.map((link) => link.getAttribute("href")!.slice(1))
        .filter((id) => document.getElementById(id) === null),
  );
  assertEquals(lost, []);
  const radius = await page.$eval("section", (it) => getComputedStyle(it).borderRadius);
  assertEquals([radius, problems], ["10px", []]);
  const loaded = await page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin)
  );
  assertEquals(new Set(loaded), new Set([app.url]));
  const response = await fetch(`${app.url}/docs`);
  const csp = response.headers.get("content-security-policy")!;
  assertStringIncludes(csp, "default-src 'none'");
  assertEquals((await response.text()).includes("<script"), false);
});
