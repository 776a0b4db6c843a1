import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../lib/base/log.ts";
import { ROUTES } from "../../routes/mod.ts";
import { OPERATIONS } from "../../routes/openapi/operations.ts";
import { finished, submit } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";

/** What takes a query: the operations of the OpenAPI document that say so, and the page. */
const REQUESTS = ["GET /", ...Object.keys(OPERATIONS).filter((of) => OPERATIONS[of]!.query)];

/** All names that they take: the document has no query of the page, and a token for any route. */
const NAMES = new Set([
  ...Object.values(OPERATIONS).flatMap(({ query }) => Object.keys(query ?? {})),
  "task_id",
  "token",
]);

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** `count` words. An address has room for about 60 KB of them. */
const different = (count: number, word: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => word(n));

/** Values that are long, many, or both; `&` begins the same parameter again. */
const VALUES: string[][] = [
  // Too long for a key of the store, and as long as an address can be.
  ["k".repeat(3000)],
  ["k".repeat(60_000)],
  ["%F0%9F%92%A3".repeat(700)],
  ["9".repeat(60_000)],
  [`${ID}${"0".repeat(3000)}`],
  // One state, many kinds, many ids: repeated, or with commas.
  different(3500, () => "completed"),
  [different(6000, () => "completed").join()],
  [different(10_000, (n) => `k${n}`).join()],
  different(3000, (n) => `k${n}`),
  [different(2000, (n) => ID.slice(0, -4) + String(n).padStart(4, "0")).join()],
  [different(2000, () => ID).join()],
  [",".repeat(60_000)],
  different(3500, () => ""),
  // An id after every other, and NUL.
  [`7${"Z".repeat(25)}`],
  ["%00"],
];

Deno.test("no query of any route causes an error of the server, or a warning in its log", async () => {
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => logged.push(line) });
  await using app = await testApp({}, { log });
  const { task_id } = await submit(app.url, "echo", 1);
  await finished(app.url, task_id);
  const ask = async (method: string, address: string) => {
    const stop = new AbortController();
    const { status } = await fetch(app.url + address, { method, signal: stop.signal });
    stop.abort();
    assert(status < 500, `${method} ${address.slice(0, 100)}: ${status}`);
  };
  const queries = [...NAMES].flatMap((name) =>
    VALUES.map((values) => values.map((value) => `${name}=${value}`).join("&").slice(0, 64_000))
  );
  assert(REQUESTS.length > 8);
  for (const request of REQUESTS) {
    const [method, route] = request.split(" ") as [string, string];
    const path = route.replace(":id", task_id).replace(":kind", "echo");
    for (let at = 0; at < queries.length; at += 20) {
      const some = queries.slice(at, at + 20);
      await Promise.all(some.map((query) => ask(method, `${path}?${query}`)));
    }
  }
  assertEquals(logged, []);
});

Deno.test("no part of any route's path causes an error of the server, or a warning in its log", async () => {
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => logged.push(line) });
  await using app = await testApp({}, { log });
  const { task_id } = await submit(app.url, "echo", 1);
  await finished(app.url, task_id);
  const parts = [
    "k".repeat(3000),
    "%F0%9F%92%A3".repeat(700),
    "%F0%9F%92%A3".repeat(256),
    "%00",
    "%",
  ];
  for (const [route, methods] of ROUTES) {
    for (const part of route.includes(":") ? parts : []) {
      const paths = [
        route.replace(/:\w+/g, part),
        route.replace(":id", task_id).replace(/:\w+/g, part),
      ];
      for (const path of paths.filter((path) => path.includes(part))) {
        for (const method of Object.keys(methods)) {
          const answer = await fetch(app.url + path, { method });
          await answer.body?.cancel();
          assert(answer.status < 500, `${method} ${path.slice(0, 100)}: ${answer.status}`);
        }
      }
    }
  }
  assertEquals(logged, []);
});

Deno.test("no header of a request causes an error of the server, or a warning in its log", async () => {
  const logged: string[] = [];
  const log = createLogger({ level: "warn", write: (line) => logged.push(line) });
  const HEADWAY_TOKENS = "me:admin:5f1c9a0e77b24d38a6c1e09b8d42f3aa";
  await using app = await testApp({ HEADWAY_TOKENS, HEADWAY_TRUST_PROXY: "1" }, { log });
  const admin = { authorization: "Bearer 5f1c9a0e77b24d38a6c1e09b8d42f3aa" };
  const { task_id } = await fetch(`${app.url}/submit`, { method: "POST", headers: admin })
    .then((it) => it.json());
  const names = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cookie",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "origin",
    "sec-fetch-site",
    "x-filename",
    "x-forwarded-for",
    "x-forwarded-proto",
  ];
  const values = [
    "k".repeat(3000),
    "k".repeat(60_000),
    "k,".repeat(10_000),
    "%F0%9F%92%A3".repeat(700),
    "k;q=0.5,".repeat(5000),
    `headway=${"k".repeat(3000)}`,
    "headway=k;".repeat(3000),
    `Bearer ${"k".repeat(3000)}`,
    `Bearer${" ".repeat(30_000)}k${" ".repeat(20_000)}k`,
    `Bearer eyJ${"k".repeat(3000)}.eyJ${"k".repeat(3000)}.k`,
    `W/"${"k".repeat(3000)}"`,
  ];
  const requests = [
    ["GET", "/"],
    ["GET", "/tasks"],
    ["GET", `/tasks/${task_id}`],
    ["GET", `/tasks/${task_id}/stream`],
    ["GET", "/tasks/stream"],
    ["GET", "/static/base.css"],
    ["POST", "/submit"],
    ["POST", "/uploads"],
    ["POST", "/logout"],
  ];
  for (const [method, path] of requests) {
    for (const name of names) {
      for (const value of values) {
        const stop = new AbortController();
        const { status } = await fetch(`${app.url}${path}`, {
          method: method!,
          headers: { ...admin, [name]: value },
          signal: stop.signal,
        });
        stop.abort();
        assert(status < 500, `${method} ${path} ${name}: ${value.slice(0, 20)}: ${status}`);
      }
    }
  }
  assertEquals(logged, []);
});
