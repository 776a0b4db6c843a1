import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkHost, isForeign, isLoopback } from "../../lib/http/origin.ts";
import type { Server } from "../../lib/server.ts";
import { ROUTES } from "../../routes/mod.ts";
import { post, submit } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw, openStream } from "../helpers/sse.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** A path of a route, with a kind and files that exist. */
function pathOf(route: string): string {
  return route.replace(":id", ID).replace(":kind", "echo").replace("i18n/:file", "i18n/en.js")
    .replace(":file", "app.js").replace(/:\w+/, "1");
}

/** Sends a request over a raw socket, since fetch() sets its own Host. */
async function rawAnswer(
  app: Server,
  path: string,
  headers: Record<string, string>,
  method = "GET",
): Promise<Response> {
  using connection = await openRaw(app.url + path, {
    method,
    headers: { connection: "close", ...headers },
  });
  await connection.until("\r\n\r\n");
  const [first, ...lines] = connection.head.split("\r\n");
  const status = Number(first!.split(" ")[1]);
  return new Response(null, {
    status,
    headers: lines.map((line) => line.split(": ", 2) as [string, string]),
  });
}

async function rawStatus(...request: Parameters<typeof rawAnswer>): Promise<number> {
  return (await rawAnswer(...request)).status;
}

Deno.test("on loopback a Host that is not a name of this machine is refused on every route", async () => {
  await using app = await testApp();
  const { port } = new URL(app.url);
  const names = ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "127.0.0.2"];
  for (const name of [...names, ...names.map((name) => `${name}:${port}`), "localhost:1"]) {
    assertEquals(await rawStatus(app, "/tasks", { host: name }), 200, name);
  }
  const forged = [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "127.0.0.1:80@evil.example",
    "0.0.0.0",
    "169.254.169.254",
    "[::]",
  ];
  for (const host of forged) {
    const status = await rawStatus(app, "/tasks", { host });
    assert(status === 421 || status === 400, `${host}: ${status}`);
  }
  for (const [path, methods] of ROUTES) {
    for (const method of [...Object.keys(methods), "OPTIONS", "PUT"]) {
      const forgery = { host: "evil.example" };
      assertEquals(await rawStatus(app, pathOf(path), forgery, method), 421, path);
    }
  }
  using connection = await openRaw(`${app.url}/tasks`, {
    headers: { connection: "close", host: "evil.example" },
  });
  assertStringIncludes(await connection.toEnd(), `"field":"Host"`);
});

Deno.test("HEADWAY_HOSTS adds names on loopback, and lists all the names on other addresses", async () => {
  await using app = await testApp({ HEADWAY_HOSTS: "headway.example" });
  for (const [host, status] of [["headway.example:8443", 200], ["localhost", 200], ["x", 421]]) {
    assertEquals(await rawStatus(app, "/tasks", { host: String(host) }), status);
  }
  const passes = (host: string, hosts: string[], name: string) => {
    try {
      checkHost({ host, hosts }, new URL(`http://${name}/`));
      return true;
    } catch {
      return false;
    }
  };
  assertEquals(passes("0.0.0.0", [], "anything.example"), true);
  assertEquals(passes("0.0.0.0", ["a.example"], "a.example"), true);
  assertEquals(passes("0.0.0.0", ["a.example"], "localhost"), false);
  assertEquals(["localhost", "::1", "127.9.9.9"].map(isLoopback), [true, true, true]);
  assertEquals(
    ["0.0.0.0", "::", "localhost.x", "127.0.0.1.x", "128.0.0.1", "x127.0.0.1"].filter(isLoopback),
    [],
  );
});

Deno.test("isForeign() goes by Sec-Fetch-Site first, and by Origin without it", () => {
  const url = new URL("http://localhost:8000/tasks");
  const cases: [headers: Record<string, string>, http: boolean, https: boolean][] = [
    [{}, false, false],
    [{ origin: "http://localhost:8000" }, false, true],
    [{ origin: "https://localhost:8000" }, true, false],
    [{ origin: "http://localhost:3000" }, true, true],
    [{ origin: "http://localhost:8000.evil.example" }, true, true],
    [{ origin: "http://localhost:8000/" }, true, true],
    [{ origin: "null" }, true, true],
    [{ origin: "" }, true, true],
    [{ "sec-fetch-site": "same-origin", origin: "http://behind.a.proxy" }, false, false],
    [{ "sec-fetch-site": "none" }, false, false],
    [{ "sec-fetch-site": "same-site", origin: "http://localhost:8000" }, true, true],
    [{ "sec-fetch-site": "cross-site" }, true, true],
  ];
  for (const [sent, http, https] of cases) {
    const headers = new Headers(sent);
    const found = [isForeign(headers, url, false), isForeign(headers, url, true)];
    assertEquals(found, [http, https], JSON.stringify(sent));
  }
  // Browsers and proxies may leave out the default port of the scheme, or not.
  const origin = new Headers({ origin: "https://tasks.example" });
  for (const host of ["tasks.example", "tasks.example:443"]) {
    assertEquals(isForeign(origin, new URL(`http://${host}/submit`), true), false, host);
  }
});

Deno.test("a write from an origin of another scheme is refused; behind a proxy the client's scheme counts", async () => {
  const trusting = { HEADWAY_TRUST_PROXY: "1", HEADWAY_HOSTS: "tasks.example" };
  await using plain = await testApp();
  await using proxied = await testApp(trusting);
  const { port } = new URL(plain.url);
  const submits = (app: Server, headers: Record<string, string>) =>
    rawStatus(app, "/submit", { "content-length": "0", ...headers }, "POST");
  const own = `localhost:${port}`;
  assertEquals(await submits(plain, { host: own, origin: `http://${own}` }), 200);
  assertEquals(await submits(plain, { host: own, origin: `https://${own}` }), 403);
  const forged = { host: own, origin: `https://${own}`, "x-forwarded-proto": "https" };
  assertEquals(await submits(plain, forged), 403);

  const host = "tasks.example";
  const https = { host, "x-forwarded-proto": "https" };
  assertEquals(await submits(proxied, { ...https, origin: "https://tasks.example" }), 200);
  assertEquals(await submits(proxied, { ...https, origin: "http://tasks.example" }), 403);
  const http = { host, "x-forwarded-proto": "http" };
  assertEquals(await submits(proxied, { ...http, origin: "http://tasks.example" }), 200);
  assertEquals(await submits(proxied, { ...http, origin: "https://tasks.example" }), 403);
  assertEquals(await submits(proxied, { host, origin: "http://tasks.example" }), 200);
});

Deno.test("an HTTP/1.1 request without a valid Host is answered 400 on every path", async () => {
  await using app = await testApp();
  const { port } = new URL(app.url);
  const ask = async (head: string) => {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await socket.write(new TextEncoder().encode(`${head}connection: close\r\n\r\n`));
    return await new Response(socket.readable).text();
  };
  for (const path of ["/", "/tasks", "/healthz", "/nothing", "/client.js"]) {
    for (const method of ["GET", "POST", "OPTIONS"]) {
      for (const host of ["", "host:\r\n", "host: \t\r\n"]) {
        const answer = await ask(`${method} ${path} HTTP/1.1\r\n${host}`);
        assertMatch(answer, /^HTTP\/1\.1 400 /, `${method} ${path} ${host}`);
        assertStringIncludes(answer, `"field":"Host"`);
      }
    }
  }
  // Other parts of a URL in the Host would lead to another path.
  const paths = [
    "localhost/healthz?a=",
    "localhost?a=",
    "localhost#",
    "\\\\localhost",
    "a@localhost",
  ];
  const names = ["a b", "localhost, localhost", "localhost:port", "local\thost", "[::1"];
  for (const host of [...names, ...paths]) {
    assertMatch(await ask(`GET /tasks HTTP/1.1\r\nhost: ${host}\r\n`), /^HTTP\/1\.1 400 /, host);
  }
  const two = "host: localhost\r\nhost: localhost\r\n";
  assertMatch(await ask(`GET /tasks HTTP/1.1\r\n${two}`), /^HTTP\/1\.1 400 /);
  assertMatch(await ask("GET /tasks HTTP/1.0\r\nhost: localhost\r\n"), /^HTTP\/1\.0 200 /);
});

/** What a browser sends with requests by a page of another site. */
const CROSS_SITE = { "sec-fetch-site": "cross-site" };
const IMAGE = { ...CROSS_SITE, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
const LINK = { ...CROSS_SITE, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
const FRAME = { ...LINK, "sec-fetch-dest": "iframe" };
const SCRIPT = { ...CROSS_SITE, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" };

Deno.test("another site may link to the page, /docs and artifacts, and load the client; all else gets 403", async () => {
  const friend = "https://friend.example";
  await using app = await testApp({ HEADWAY_ORIGINS: friend });
  const answer = async (path: string, headers: Record<string, string>, method = "GET") => {
    const response = await fetch(app.url + path, { method, headers });
    await response.body?.cancel();
    return response.status;
  };
  const linked = ["/", "/docs", "/tasks/:id/artifacts/:name"];
  for (const [path, methods] of ROUTES) {
    if (!methods.GET) continue;
    const real = pathOf(path);
    const any = /^\/(client|headway-progress|use-task)\./.test(path);
    for (const method of ["GET", "HEAD"]) {
      const usual = await answer(real, {}, method);
      const expected = (name: string, headers: Record<string, string>, status: number) =>
        answer(real, headers, method).then((it) => assertEquals(it, status, `${path} ${name}`));
      await expected("image", IMAGE, any ? usual : 403);
      await expected("frame", FRAME, any ? usual : 403);
      await expected("link", LINK, any || linked.includes(path) ? usual : 403);
      await expected("foe", { ...SCRIPT, origin: "https://foe.example" }, any ? usual : 403);
      await expected("friend", { ...SCRIPT, origin: friend }, usual);
      await expected("typed in", { ...LINK, "sec-fetch-site": "none" }, usual);
      await expected("own", { ...SCRIPT, "sec-fetch-site": "same-origin" }, usual);
      await expected("same site", { ...IMAGE, "sec-fetch-site": "same-site" }, usual);
    }
  }
  const problem = await fetch(`${app.url}/tasks`, { headers: IMAGE });
  assertEquals((await assertProblem(problem, 403)).field, "Origin");
  // A preflight only asks what may be sent, and reads nothing.
  assertEquals(await answer("/tasks", { ...SCRIPT, origin: friend }, "OPTIONS"), 204);
});

Deno.test("HEADWAY_ORIGINS=* lets scripts of any page read, but not with a cookie, and lets in no images", async () => {
  await using app = await testApp({ HEADWAY_ORIGINS: "*" });
  const status = async (headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/tasks`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  const origin = "https://any.example";
  assertEquals(await status({ ...SCRIPT, origin }), 200);
  assertEquals(await status({ ...SCRIPT, origin, cookie: "a=b" }), 403);
  // A browser adds a password by itself, as it does a cookie.
  assertEquals(await status({ ...SCRIPT, origin, authorization: "Basic YTpi" }), 403);
  assertEquals(await status({ ...SCRIPT, origin, authorization: "Bearer any" }), 200);
  assertEquals(await status(IMAGE), 403);
});

Deno.test("no page of another origin can write, even on loopback without tokens", async () => {
  await using app = await testApp({ HEADWAY_ORIGINS: "https://friend.example" });
  const foreign = { origin: "https://evil.example" };
  for (const [path, methods] of ROUTES) {
    for (const method of Object.keys(methods)) {
      if (method === "GET") continue;
      const response = await fetch(app.url + pathOf(path), { method, headers: foreign });
      assertEquals((await assertProblem(response, 403)).field, "Origin", `${method} ${path}`);
    }
  }
  // A page can send this request without a preflight.
  const simple = { ...foreign, "content-type": "text/plain" };
  await assertProblem(await fetch(`${app.url}/submit`, { method: "POST", headers: simple }), 403);
  for (const origin of [app.url, "https://friend.example"]) {
    const response = await post(`${app.url}/submit`, { steps: 0 }, { origin });
    assertEquals(response.status, 200, origin);
    await response.body?.cancel();
  }
  const none = await post(`${app.url}/submit`, { steps: 0 });
  assertEquals([none.status, none.headers.get("access-control-allow-origin")], [200, null]);
  await none.body?.cancel();
});

Deno.test("a cookie authorizes no write from another origin, even with HEADWAY_ORIGINS=*", async () => {
  const secret = "admin-secret-0123456789";
  await using app = await testApp({ HEADWAY_TOKENS: `me:admin:${secret}`, HEADWAY_ORIGINS: "*" });
  const login = await post(`${app.url}/login`, { token: secret });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const origin = "https://evil.example";
  await assertProblem(await post(`${app.url}/submit`, {}, { cookie, origin }), 403);
  const own = await post(`${app.url}/submit`, { steps: 0 }, { cookie, origin: app.url });
  assertEquals(own.status, 200);
  await own.body?.cancel();
  const bearer = { authorization: `Bearer ${secret}`, origin };
  const token = await post(`${app.url}/submit`, { steps: 0 }, bearer);
  assertEquals(token.status, 200);
  assertEquals(token.headers.get("access-control-allow-origin"), "*");
  assertEquals(token.headers.get("access-control-allow-credentials"), null);
  await token.body?.cancel();
});

Deno.test("CORS: a preflight tells a trusted origin what it may send, and nothing to others", async () => {
  await using app = await testApp({ HEADWAY_ORIGINS: "https://a.example, https://b.example" });
  const preflight = (origin: string, headers = "last-event-id") =>
    rawAnswer(app, `/tasks/${ID}/stream`, {
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": headers,
    }, "OPTIONS");
  const answer = await preflight("https://b.example");
  assertEquals(answer.status, 204);
  const cors = Object.fromEntries(
    [...answer.headers].filter(([name]) => /^access-control|^vary/.test(name)),
  );
  assertEquals(cors, {
    "access-control-allow-credentials": "true",
    "access-control-allow-headers":
      "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Filename",
    "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE",
    "access-control-allow-origin": "https://b.example",
    "access-control-expose-headers":
      "Content-Disposition, Content-Range, ETag, Location, Retry-After",
    "access-control-max-age": "600",
    "vary": "Origin",
  });
  // Headers that libraries add to requests are allowed, those that only proxies may set are not.
  const tracing = ["traceparent", "tracestate", "baggage", "cache-control", "content-encoding"];
  const refused = ["x-forwarded-for", "forwarded", "x-real-ip", "a b", "é", "x".repeat(65)];
  const wanted = [...tracing, "AUTHORIZATION", "Last-Event-ID", ...refused, "sentry-trace"].join();
  const allowed = (await preflight("https://a.example", wanted)).headers
    .get("access-control-allow-headers");
  assertEquals(
    allowed,
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Filename, " +
      "traceparent, tracestate, baggage, cache-control, content-encoding, sentry-trace",
  );
  const many = Array.from({ length: 200 }, (_, n) => `x-${n}`).join();
  const some = (await preflight("https://a.example", many)).headers;
  assertEquals(some.get("access-control-allow-headers")!.split(", ").length, 56);
  for (const origin of ["https://c.example", "http://a.example", "null", "https://a.example.c"]) {
    const { headers } = await preflight(origin);
    assertEquals(headers.get("access-control-allow-origin"), null, origin);
    assertEquals(headers.get("access-control-allow-headers"), null, origin);
    assertEquals(headers.get("vary"), "Origin");
  }
  // Pages of trusted origins can read errors, too.
  const missing = await fetch(`${app.url}/tasks/${ID}`, {
    headers: { origin: "https://a.example" },
  });
  assertEquals(missing.headers.get("access-control-allow-origin"), "https://a.example");
  await assertProblem(missing, 404);
});

Deno.test("every response has headers against framing, type sniffing and loading from another origin", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 1e6 });
  for (
    const path of ["/", "/tasks", `/tasks/${task_id}`, "/nothing", "/static/icon.svg", "/kinds"]
  ) {
    const { headers, body } = await fetch(app.url + path);
    await body?.cancel();
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("referrer-policy"), "same-origin", path);
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin", path);
    assertMatch(headers.get("content-security-policy")!, /frame-ancestors 'none'/, path);
    assertEquals(headers.get("strict-transport-security"), null, path);
    assertEquals(headers.get("server"), null, path);
  }
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  assertEquals(stream.response.headers.get("x-content-type-options"), "nosniff");

  await using proxied = await testApp({ HEADWAY_TRUST_PROXY: "1", HEADWAY_HOSTS: "x.example" });
  for (const [host, hsts] of [["x.example", "max-age=31536000"], ["localhost", null]] as const) {
    const headers = { host, "x-forwarded-proto": "https" };
    const response = await rawAnswer(proxied, "/tasks", headers);
    assertEquals(response.headers.get("strict-transport-security"), hsts);
  }
  // If Headway is below a path, other programs share the host.
  const headers = {
    host: "x.example",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/jobs",
  };
  const below = await rawAnswer(proxied, "/tasks", headers);
  assertEquals(below.headers.get("strict-transport-security"), null);
});

/** How many requests to a route the server has answered with a status, by its own count. */
async function askedOf(app: Server, route: string, status: number): Promise<number> {
  const text = await fetch(`${app.url}/metrics`).then((it) => it.text());
  const wanted = (line: string) =>
    line.startsWith("headway_http_requests_total") && line.includes(`route="${route}"`) &&
    line.includes(`status="${status}"`);
  return text.split("\n").filter(wanted).reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
}

Deno.test("Chromium: images, frames and scripts of another site get 403 from the API; links to the page work", async () => {
  await using foe = emptyPage();
  await using app = await testApp();
  await using browser = await TestBrowser.launch();
  await using visited = await browser.open(`http://localhost:${foe.addr.port}`);
  await visited.page.evaluate(async (base: string) => {
    const loaded = (element: HTMLImageElement | HTMLScriptElement | HTMLIFrameElement) =>
      new Promise<void>((resolve) => {
        element.onload = element.onerror = () => resolve();
        document.body.append(element);
      });
    const image = document.createElement("img");
    const script = document.createElement("script");
    const frame = document.createElement("iframe");
    image.src = script.src = frame.src = `${base}/tasks?q=nowhere`;
    await Promise.all([image, script, frame].map(loaded));
    await fetch(`${base}/tasks`, { mode: "no-cors" }).catch(() => {});
  }, app.url);
  assertEquals(await askedOf(app, "/tasks", 200), 0);
  assertEquals(await askedOf(app, "/tasks", 403), 4);
  const client = await visited.page.evaluate(
    (base: string) => import(`${base}/client.js`).then(({ submit }) => typeof submit),
    app.url,
  );
  assertEquals(client, "function");
  const follow = async (path: string) => {
    await visited.page.goto(`http://localhost:${foe.addr.port}`);
    const [response] = await Promise.all([
      visited.page.waitForNavigation(),
      visited.page.evaluate((to: string) => {
        location.href = to;
      }, app.url + path),
    ]);
    return response?.status();
  };
  assertEquals(await follow("/?status=failed"), 200);
  assertEquals(await follow("/docs"), 200);
  assertEquals(await follow("/tasks"), 403);
});

/** Serves an empty page at an origin of its own. */
function emptyPage(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    return new Response("<!DOCTYPE html><title>Another</title><link rel=icon href='data:,'>", {
      headers: { "content-type": "text/html" },
    });
  });
}

/** Runs in a page: watches and reads a task, and writes, with and without a preflight. */
async function tryAll(base: string, id: string, token: string) {
  const source = new EventSource(`${base}/tasks/${id}/stream?token=${token}`);
  const seen = await new Promise<string>((resolve) => {
    source.onmessage = ({ data }) => resolve(JSON.parse(data).task_id);
    source.onerror = () => resolve(`error ${source.readyState}`);
  });
  source.close();
  const ask = (path: string, init: RequestInit) =>
    fetch(base + path, init).then((response) => response.status, () => "unreadable");
  return {
    seen,
    read: await ask(`/tasks/${id}`, {
      headers: { authorization: `Bearer ${token}`, "last-event-id": "1" },
    }),
    simple: await ask("/submit", { method: "POST" }),
    json: await ask("/tasks", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "k" },
      body: '{"kind":"echo"}',
    }),
    cookie: await ask("/submit", { method: "POST", credentials: "include" }),
  };
}

Deno.test("Chromium: a page of a trusted origin can use the API, a page of another origin cannot", async () => {
  await using friend = emptyPage();
  await using foe = emptyPage();
  const friendly = `http://127.0.0.1:${friend.addr.port}`;
  // Under this other name of the machine it is another site, as it would be on the internet.
  const hostile = `http://localhost:${foe.addr.port}`;
  await using open = await testApp({ HEADWAY_ORIGINS: friendly });
  await using closed = await testApp({
    HEADWAY_ORIGINS: friendly,
    HEADWAY_TOKENS: "me:admin:admin-secret-0123456789",
  });
  const { task_id: plain } = await submit(open.url, "echo", null, { delay_ms: 1e6 });
  const { task_id: guarded, token } = await post(
    `${closed.url}/tasks`,
    { kind: "echo", delay_ms: 1e6 },
    { authorization: "Bearer admin-secret-0123456789" },
  ).then((response) => response.json());
  await using browser = await TestBrowser.launch();
  {
    await using visited = await browser.open(friendly);
    assertEquals(await visited.page.evaluate(tryAll, open.url, plain, "x"), {
      seen: plain,
      read: 200,
      simple: 200,
      json: 201,
      cookie: 200,
    });
    assertEquals(await visited.page.evaluate(tryAll, closed.url, guarded, token), {
      seen: guarded,
      read: 200,
      simple: 401,
      json: 401,
      cookie: 401,
    });
  }
  const before = await fetch(`${open.url}/tasks`).then((it) => it.json());
  {
    await using visited = await browser.open(hostile);
    for (const [url, id] of [[open.url, plain], [closed.url, guarded]] as const) {
      assertEquals(await visited.page.evaluate(tryAll, url, id, token), {
        seen: "error 2",
        read: "unreadable",
        simple: "unreadable",
        json: "unreadable",
        cookie: "unreadable",
      });
    }
  }
  const after = await fetch(`${open.url}/tasks`).then((it) => it.json());
  assertEquals(after.tasks.length, before.tasks.length, "Nothing was written unseen");
});
