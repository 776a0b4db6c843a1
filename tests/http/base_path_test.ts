import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Hono } from "../packages/hono.ts";
import { watch } from "headway/client";
import type { Server } from "../../lib/server.ts";
import { createHandler } from "../../routes/mod.ts";
import "../helpers/built.ts";
import { finished, post, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const SECRET = "admin-secret-0123456789";
const HEADWAY_TOKENS = `boss:admin:${SECRET}`;
const HEADWAY_BASE_PATH = "/a/jobs";

/** The status of an answer, whose body is discarded. */
async function status(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.body?.cancel();
  return response.status;
}

/** The addresses of the page and of all that it loads. Fails if one does not answer 200. */
async function load(url: string): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const todo = [url]; todo.length > 0;) {
    const address = todo.pop()!;
    if (seen.has(address)) continue;
    seen.add(address);
    const response = await fetch(address);
    const text = await response.text();
    assertEquals(response.status, 200, address);
    const names = response.headers.get("content-type")!.startsWith("text/html")
      ? [...text.matchAll(/(?:src|href)="([^"#]+)"/g)]
      : [...text.matchAll(/(?:from|import)\s*"(\.[\w./-]+)"/g)];
    todo.push(...names.map(([, name]) => new URL(name!, address).href));
  }
  return seen;
}

Deno.test("HEADWAY_BASE_PATH: every route is below the path, and answers 404 beside it", async () => {
  await using app = await testApp({ HEADWAY_BASE_PATH, HEADWAY_OPS_PORT: "0" });
  const { origin, pathname } = new URL(app.url);
  assertEquals(pathname, "/a/jobs");
  for (const path of ["/", "/tasks", "/healthz", "/readyz", "/metrics", "/docs", "/client.js"]) {
    assertEquals(await status(app.url + path), 200, path);
    const beside = await fetch(origin + path);
    assertStringIncludes(
      (await assertProblem(beside, 404)).error,
      "Headway is at /a/jobs/ (HEADWAY",
    );
  }
  await assertProblem(await fetch(`${app.url}/a/jobs/`), 404);
  await assertProblem(await fetch(`${app.url}x/tasks`), 404);
  // HEADWAY_OPS_PORT has no base path.
  assertEquals(await status(`${app.opsUrl}/readyz`), 200);

  const created = await post(`${app.url}/tasks`, { kind: "steps", input: { steps: 3 } });
  const { task_id } = await created.json();
  assertEquals(created.headers.get("location"), `/a/jobs/tasks/${task_id}`);
  const { servers, paths } = await (await fetch(`${app.url}/openapi.json`)).json();
  assertEquals(servers, [{ url: "/a/jobs" }]);
  assert("/tasks" in paths);
  assertStringIncludes(
    await (await fetch(`${app.url}/docs`)).text(),
    "All paths are below <code>/a/jobs</code>",
  );
  for (const page of ["/", "/docs"]) {
    const loaded = [...await load(app.url + page)];
    assert(loaded.length > 3 && loaded.every((url) => url.startsWith(`${app.url}/`)), `${loaded}`);
  }
  const client = await fetch(`${app.url}/client.js`, { method: "HEAD" });
  assertEquals(client.headers.get("x-typescript-types"), "./client.d.ts");
  const task = watch(task_id, { base: app.url });
  const types = new Set((await Array.fromAsync(task)).map(({ type }) => type));
  assert(types.has("log") && types.has("complete"), [...types].join());
});

Deno.test("HEADWAY_BASE_PATH without its slash redirects to the page with 307, and keeps the query", async () => {
  await using app = await testApp({ HEADWAY_BASE_PATH, HEADWAY_TRUST_PROXY: "1" });
  const location = async (headers: HeadersInit = {}) => {
    const response = await fetch(`${app.url}?status=failed`, { headers, redirect: "manual" });
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("cache-control")], [307, "no-store"]);
    return response.headers.get("location");
  };
  assertEquals(await location(), "/a/jobs/?status=failed");
  assertEquals(await location({ "x-forwarded-prefix": "/all/" }), "/all/a/jobs/?status=failed");
  assertEquals(await location({ "x-forwarded-prefix": "//x.example" }), "/a/jobs/?status=failed");
});

Deno.test("HEADWAY_BASE_PATH: the page's cookie is sent only below the path, and signs in and out there", async () => {
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_BASE_PATH, HEADWAY_TRUST_PROXY: "1" });
  const tls = { "x-forwarded-proto": "https" };
  const set = async (path: string, headers: Record<string, string>) => {
    const response = await post(app.url + path, { token: SECRET }, headers);
    await response.body?.cancel();
    return response.headers.get("set-cookie")!;
  };
  const plain = await set("/login", {});
  assertMatch(plain, /^headway-\w+=[\w.-]+; Path=\/a\/jobs\/; Max-Age=43200; HttpOnly/);
  const secure = await set("/login", tls);
  assertMatch(secure, /^__Secure-headway-\w+=[\w.-]+; Path=\/a\/jobs\/; .*; Secure$/);
  assertMatch(
    await set("/login", { ...tls, "x-forwarded-prefix": "/all" }),
    /Path=\/all\/a\/jobs\/;/,
  );
  const cookie = secure.split(";")[0]!;
  assertEquals(await status(`${app.url}/tasks`, { headers: { ...tls, cookie } }), 200);
  assertMatch(await set("/logout", { ...tls, cookie }), /=; Path=\/a\/jobs\/; Max-Age=0;/);
  assertEquals(await status(`${app.url}/tasks`, { headers: { ...tls, cookie } }), 401);
});

/** Sends requests to a program that passes those below `/jobs` on to Headway. */
async function tryMounted(app: Server, origin: string): Promise<void> {
  const base = `${origin}/jobs`;
  assertEquals(await (await fetch(`${origin}/`)).text(), "the other app");
  assertEquals(await (await fetch(`${origin}/jobsites`)).text(), "the other app");
  assertEquals(await status(base), 307);
  assertEquals(await status(`${base}/`), 200);
  await load(`${base}/`);
  const { task_id } = await submit(base, "steps", { steps: 5 });
  await finished(base, task_id);
  const stream = await openStream(`${base}/tasks/${task_id}/stream`, { lastEventId: "0" });
  await stream.all();
  const third = stream.events.find(({ data }) => data.includes("step 3"))!;
  const rest = await openStream(`${base}/tasks/${task_id}/stream`, { lastEventId: third.id });
  await rest.all();
  assertEquals(rest.data("log").map(({ message }) => message), ["step 4", "step 5"]);
  // Headway notices that a client has left, although the other app is in between.
  const { task_id: waits } = await submit(base, "waits");
  const left = await openStream(`${base}/tasks/${waits}/stream`);
  await left.collect(1);
  await left.close();
  await eventually(() => assertEquals(app.pulse.ended.gone, 1));
}

Deno.test("createHandler() serves everything below its path, beside another app in Deno.serve()", async () => {
  await using app = await testApp({ HEADWAY_BASE_PATH: "/jobs" });
  const headway = createHandler(app);
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) =>
      /^\/jobs(\/|$)/.test(new URL(request.url).pathname)
        ? headway(request, info)
        : new Response("the other app"),
  );
  await tryMounted(app, `http://127.0.0.1:${server.addr.port}`);
});

Deno.test("createHandler() serves everything below its path when mounted in Hono", async () => {
  await using app = await testApp({ HEADWAY_BASE_PATH: "/jobs" });
  const headway = createHandler(app);
  const hono = new Hono<{ Bindings: Deno.ServeHandlerInfo }>();
  hono.mount("/jobs", (request: Request, info: Deno.ServeHandlerInfo) => headway(request, info), {
    optionHandler: ({ env }) => env,
    replaceRequest: false,
  });
  hono.all("*", (context) => context.text("the other app"));
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, hono.fetch);
  await tryMounted(app, `http://127.0.0.1:${server.addr.port}`);
});
