import { assert, assertEquals, assertMatch } from "@std/assert";
import { withDeadline } from "../../lib/http/http.ts";
import { HttpError } from "../../lib/http/errors.ts";
import { ROUTES } from "../../routes/mod.ts";
import { submit } from "../helpers/api.ts";
import { within } from "../helpers/deadline.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** Every route, and the methods that it allows. */
const ALLOWED: [route: string, allow: string][] = [
  ["/", "GET, HEAD, OPTIONS"],
  ["/login", "GET, POST, HEAD, OPTIONS"],
  ["/logout", "POST, OPTIONS"],
  ["/submit", "POST, OPTIONS"],
  ["/tasks", "GET, POST, HEAD, OPTIONS"],
  ["/tasks/bulk", "POST, OPTIONS"],
  ["/tasks/counts", "GET, HEAD, OPTIONS"],
  ["/tasks/stream", "GET, HEAD, OPTIONS"],
  ["/tasks/stream-all", "GET, HEAD, OPTIONS"],
  ["/tasks/:id", "GET, PATCH, DELETE, HEAD, OPTIONS"],
  ["/tasks/:id/details", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/artifacts", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/artifacts/:name", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/deliveries", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/deliveries/:n/resend", "POST, OPTIONS"],
  ["/tasks/:id/events", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/stream", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/stream-with-heartbeat", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/stream-with-id", "GET, HEAD, OPTIONS"],
  ["/tasks/:id/cancel", "POST, OPTIONS"],
  ["/tasks/:id/retry", "POST, OPTIONS"],
  ["/tasks/:id/signals/:name", "POST, OPTIONS"],
  ["/schedules", "GET, POST, HEAD, OPTIONS"],
  ["/schedules/:id", "GET, PATCH, DELETE, HEAD, OPTIONS"],
  ["/schedules/:id/run", "POST, OPTIONS"],
  ["/tokens", "POST, OPTIONS"],
  ["/uploads", "POST, OPTIONS"],
  ["/kinds", "GET, HEAD, OPTIONS"],
  ["/kinds/:kind/pause", "POST, OPTIONS"],
  ["/kinds/:kind/resume", "POST, OPTIONS"],
  ["/kinds/:kind/audit", "GET, HEAD, OPTIONS"],
  ["/healthz", "GET, HEAD, OPTIONS"],
  ["/readyz", "GET, HEAD, OPTIONS"],
  ["/openapi.json", "GET, HEAD, OPTIONS"],
  ["/docs", "GET, HEAD, OPTIONS"],
  ["/metrics", "GET, HEAD, OPTIONS"],
  ["/info", "GET, HEAD, OPTIONS"],
  ["/icon.svg", "GET, HEAD, OPTIONS"],
  ["/static/i18n/:file", "GET, HEAD, OPTIONS"],
  ["/static/:file", "GET, HEAD, OPTIONS"],
  ["/client.js", "GET, HEAD, OPTIONS"],
  ["/client.d.ts", "GET, HEAD, OPTIONS"],
  ["/headway-progress.js", "GET, HEAD, OPTIONS"],
  ["/headway-progress.d.ts", "GET, HEAD, OPTIONS"],
  ["/use-task.js", "GET, HEAD, OPTIONS"],
  ["/use-task.d.ts", "GET, HEAD, OPTIONS"],
];

Deno.test("OPTIONS and a 405 name the methods that a path allows", async () => {
  assertEquals(new Set(ALLOWED.map(([route]) => route)), new Set(ROUTES.map(([route]) => route)));
  await using app = await testApp();
  for (const [route, allow] of ALLOWED) {
    const path = route.replace(":id", ID).replace(/:\w+/, "x");
    const options = await fetch(app.url + path, { method: "OPTIONS" });
    assertEquals([options.status, options.headers.get("allow")], [204, allow], path);
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PURGE"]) {
      if (allow.split(", ").includes(method)) continue;
      const response = await fetch(app.url + path, { method });
      assertEquals([response.status, response.headers.get("allow")], [405, allow], path);
      // To HEAD no problem is sent.
      if (method === "HEAD") continue;
      assertMatch((await assertProblem(response, 405)).error, new RegExp(`^${method} is not`));
    }
  }
});

Deno.test("a path that does not exist answers 404, however it is written", async () => {
  await using app = await testApp();
  const paths = [
    "/nothing",
    "/tasks/",
    "/tasks//stream",
    `/tasks/${ID}/nothing`,
    `/tasks/${ID}/stream/`,
    "//tasks",
    "/static/",
    "/static/..%2f..%2fdeno.json",
    "/static/%2e%2e/main.ts",
    "/static/constructor",
    "/TASKS",
    "/%",
    "/%ff",
  ];
  for (const path of paths) {
    // Sent over a socket, since fetch() would normalize the path.
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(app.url).port),
    });
    await connection.write(
      new TextEncoder().encode(
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      ),
    );
    const text = await new Response(connection.readable).text();
    assertMatch(text, /^HTTP\/1.1 404 /, path);
    assertMatch(text, /^content-type: application\/problem\+json/im, path);
  }
});

Deno.test("GET /kinds describes each kind with the JSON Schema of its input", async () => {
  await using app = await testApp();
  const response = await fetch(`${app.url}/kinds`);
  assertEquals(response.headers.get("content-type"), "application/json");
  const { kinds, modules, limits } = await response.json();
  assertEquals(modules, [
    { module: "headway", state: "ready", reason: null },
    { module: "./tests/helpers/kinds.ts", state: "ready", reason: null },
  ]);
  assertEquals(limits, { max_upload: 100 * 1024 ** 2, max_body: 1024 ** 2, lease_ms: 3000 });
  const of = (name: string) => kinds.find(({ kind }: { kind: string }) => kind === name);
  for (const name of ["demo", "approval", "checksum", "csv-profile", "csv-split", "echo"]) {
    assert(of(name), name);
  }
  const { input, ...demo } = of("demo");
  assertEquals(demo, {
    kind: "demo",
    description: "Counts steps at a steady pace, to see progress live",
    max_attempts: 1,
    timeout_ms: null,
    concurrency: null,
    keyed: false,
    rate: null,
    debounce_ms: null,
    isolate: false,
    hidden: false,
    retention: null,
    shipped: true,
    unavailable: null,
    paused: null,
  });
  assertEquals([input.type, input.additionalProperties], ["object", false]);
  assertEquals(input.properties.steps, {
    type: "integer",
    minimum: 0,
    maximum: 100_000,
    default: 10,
    description: "Steps in all",
  });
  assertEquals(of("checksum").input.required, ["upload"]);
  assertEquals([of("csv-part").hidden, of("csv-part").shipped], [true, true]);
  assertEquals(of("waits").input, null);
  assertEquals(of("late").timeout_ms, 50);
  assertEquals(of("out-of-memory").isolate, true);
  assertEquals(of("out-of-memory").shipped, false);
});

Deno.test("HEADWAY_SHIPPED_KINDS=0 leaves only the operator's own kinds", async () => {
  await using app = await testApp({ HEADWAY_SHIPPED_KINDS: "0" });
  const { kinds } = await fetch(`${app.url}/kinds`).then((it) => it.json());
  const names = kinds.map(({ kind }: { kind: string }) => kind);
  assert(names.includes("echo"));
  for (const name of ["demo", "approval", "checksum", "csv-profile", "csv-split", "csv-part"]) {
    assert(!names.includes(name), name);
  }
  const response = await fetch(`${app.url}/submit`, { method: "POST" });
  assertEquals(response.status, 422);
  assertMatch((await response.json()).error, /no kind 'demo'/);
});

Deno.test("GET /healthz and GET /readyz answer 200, and HEAD sends only the headers", async () => {
  await using app = await testApp();
  const kinds = { headway: "ready", "./tests/helpers/kinds.ts": "ready" };
  for (const [path, answer] of [["/healthz", {}], ["/readyz", { kinds }]] as const) {
    const response = await fetch(app.url + path);
    assertEquals([response.status, await response.json()], [200, { status: "ok", ...answer }]);
    const head = await fetch(app.url + path, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    assertEquals(head.headers.get("content-type"), "application/json");
  }
});

Deno.test("no cache uses a JSON answer without asking the server", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  for (const path of ["/tasks", "/kinds", `/tasks/${task_id}`, `/tasks/${task_id}/events`]) {
    const response = await fetch(app.url + path);
    await response.body?.cancel();
    assertMatch(response.headers.get("cache-control")!, /^(no-store|private, no-cache)$/, path);
  }
});

Deno.test("a malformed HTTP request gets no 2xx or 5xx, and the server goes on", async () => {
  await using app = await testApp();
  const port = Number(new URL(app.url).port);
  const nonsense = [
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\x16\x03\x01\x00\x05hello",
    `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    "GET /tasks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: \0\r\n\r\n",
    "POST /tasks HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
    "POST /tasks HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    "GET /tasks HTTP/1.1\r\nhost: [\r\nconnection: close\r\n\r\n",
    "GET /tasks HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
    "GET http://[:::]/tasks HTTP/1.1\r\nhost: [\r\nconnection: close\r\n\r\n",
  ];
  for (const text of nonsense) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(text));
    await connection.closeWrite();
    const answer = await new Response(connection.readable).text().catch(() => "");
    assert(!/^HTTP\/1.1 (2|5)/.test(answer), answer);
  }
  assertEquals((await fetch(`${app.url}/healthz`).then((it) => it.json())).status, "ok");
});

Deno.test("HEADWAY_BODY_TIMEOUT_MS: a body that never ends is answered 408, whatever its shape", async () => {
  await using app = await testApp({ HEADWAY_BODY_TIMEOUT_MS: "150" });
  const shapes = [
    ["/submit", { "content-length": "50" }, "{"],
    ["/tasks", { "transfer-encoding": "chunked" }, "1\r\n{\r\n"],
    ["/submit", { "transfer-encoding": "chunked" }, ""],
    ["/uploads", { "content-length": "5000" }, "abc"],
    ["/uploads", { "transfer-encoding": "chunked" }, "3\r\nabc\r\n"],
  ] as const;
  for (const [path, headers, begun] of shapes) {
    using connection = await openRaw(app.url + path, {
      method: "POST",
      headers: { connection: "close", ...headers },
    });
    await connection.write(new TextEncoder().encode(begun));
    assert(await connection.until("}"), `${path}: closed after '${connection.text}'`);
    const [status, ...lines] = connection.head.split("\r\n");
    assertMatch(status!, /^HTTP\/1\.1 408 /);
    const fields = lines.map((line) => line.split(": ", 2) as [string, string]);
    const response = new Response(connection.body().text, { status: 408, headers: fields });
    await assertProblem(response, 408);
    assertEquals((await fetch(`${app.url}/healthz`).then((it) => it.json())).status, "ok");
  }
  const kept = await Array.fromAsync(app.engine.store.kv.list({ prefix: ["piece"] }));
  assertEquals(kept.length, 0);
});

Deno.test("withDeadline() gives up a body that never ends, or drips for too long", async () => {
  const texts = async (body: ReadableStream<Uint8Array>, idle: number, total?: number) => {
    let seen = 0;
    try {
      for await (const _ of withDeadline(body, idle, total)) seen++;
    } catch (error) {
      if (error instanceof HttpError) return { seen, status: error.status };
      throw error;
    }
    return { seen, status: 200 };
  };
  let canceled = 0;
  const body = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new ReadableStream<Uint8Array>({ pull, cancel: () => void canceled++ }, { highWaterMark: 0 });
  const silent = body(() => new Promise(() => {}));
  assertEquals(await texts(silent, 20), { seen: 0, status: 408 });
  const timers: ReturnType<typeof setTimeout>[] = [];
  let drips = 0;
  const dripping = body((controller) => {
    const drip = () => controller.enqueue(new Uint8Array(1));
    // Without a timer the first one comes in time, however busy the machine is.
    if (drips++ === 0) drip();
    else timers.push(setTimeout(drip, 5));
  });
  const { seen, status } = await within(texts(dripping, 10_000, 100), () => "it drips on");
  assert(seen > 0);
  assertEquals([status, canceled], [408, 2]);
  timers.forEach(clearTimeout);
  const broken = body((controller) => controller.error(new Error("reset")));
  assertEquals((await texts(broken, 1000)).status, 400);
});
