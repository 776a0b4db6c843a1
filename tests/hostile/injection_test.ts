import { assert, assertEquals, assertMatch } from "@std/assert";
import { createParser } from "eventsource-parser";
import { finished, submit } from "../helpers/api.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

/** Line breaks and NUL that an address may contain, each before something to forge. */
const FORGERIES = [
  "x\r\nx-forged: 1\r\n\r\n",
  "x\nx-forged: 1\n\n",
  "x\rx-forged: 1\r\r",
  "x\0x-forged: 1",
  "x\n\nid: 666\nevent: forged\ndata: {}\n\n",
  "x\u2028x-forged: 1\u2029",
  '{"time":"x","level":"error","message":"forged"}\n{"time":"x","level":"error","message":"forged"}',
];

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** Addresses with the forgery in each place that the server reads. */
function addresses(task: string, forgery: string): string[] {
  const text = encodeURIComponent(forgery);
  return [
    `/${text}`,
    `/tasks/${text}`,
    `/tasks/${text}/stream`,
    `/tasks/${task}/${text}`,
    `/tasks/${task}?token=${text}`,
    `/tasks/${task}/stream?last_event_id=${text}`,
    `/tasks/${task}/events?after=${text}`,
    `/tasks/${task}/events?limit=${text}`,
    `/tasks/stream?ids=${text}`,
    `/tasks/stream?ids=${task}&last_event_id=${text}`,
    `/tasks/stream?kind=${text}`,
    `/tasks/stream?rows=${text}`,
    ...["status", "kind", "q", "limit", "cursor", "created_after"].map((it) =>
      `/tasks?${it}=${text}`
    ),
    `/tasks/counts?kind=${text}`,
    `/static/${text}`,
    `/?task_id=${text}`,
  ];
}

Deno.test("line breaks and NUL in an address forge no header, no event and no record of the log", async () => {
  await using server = await startServer({ env: { HEADWAY_LOG: "debug" } });
  const { task_id } = await submit(server.url, "echo", null);
  await finished(server.url, task_id);
  for (const forgery of FORGERIES) {
    for (const address of addresses(task_id, forgery)) {
      using raw = await openRaw(server.url + address, {
        headers: { connection: "close", accept: "*/*" },
      });
      // A stream over many tasks does not end: its first event is enough.
      const endless = address.startsWith("/tasks/stream?");
      await raw.until(endless ? "\n\n" : "\r\n\r\n");
      if (!endless) await raw.toEnd();
      assertMatch(raw.head, /^HTTP\/1\.1 (200|204|4\d\d) /, address);
      assert(!/^(x-forged|id:|event:)/im.test(raw.head), raw.head);
      if (!raw.head.includes("text/event-stream")) continue;
      createParser({
        onEvent: ({ event, id }) => assert(event !== "forged" && id !== "666", address),
      }).feed(raw.body().text);
    }
  }
  await server.kill("SIGINT");
  for (const line of server.stderr) {
    const record = JSON.parse(line);
    assert(record.message !== "forged", line);
    assertMatch(record.time, /^\d{4}-/);
  }
});

Deno.test("line breaks and NUL in a header make the request invalid, or stay within the header's value", async () => {
  await using app = await testApp();
  const names = [
    "idempotency-key",
    "last-event-id",
    "x-filename",
    "authorization",
    "cookie",
    "origin",
    "accept",
    "if-none-match",
    "x-forwarded-for",
    "host",
  ];
  for (const name of names) {
    for (const value of ["a\rb", "a\0b", "a\n b", "a\x7fb", "a\x01b"]) {
      for (const [method, path] of [["GET", `/tasks/${ID}`], ["POST", "/uploads"]] as const) {
        using raw = await openRaw(app.url + path, {
          method,
          headers: { connection: "close", "content-length": "0", [name]: value },
        });
        await raw.toEnd();
        assertMatch(raw.text, /^(HTTP\/1\.1 (201|4\d\d) |$)/, `${name} ${JSON.stringify(value)}`);
      }
    }
  }
  for (const value of ["a%0d%0ax-forged:%201", "a%00b", "a%0ab"]) {
    for (
      const [path, headers] of [["?name=" + value, {}], ["", { "x-filename": value }]] as const
    ) {
      const init = { method: "POST", body: "x", headers: headers as Record<string, string> };
      const response = await fetch(`${app.url}/uploads${path}`, init);
      assertEquals(response.headers.get("x-forged"), null);
      const { field, detail } = await response.json();
      assertEquals([response.status, field], [400, "name"], detail);
    }
  }
});

Deno.test("no path leads out of the page's files, however it is written", async () => {
  await using app = await testApp();
  const up = ["..", "%2e%2e", ".%2e", "%252e%252e", "..%5c", "..;", "..%00", "%c0%ae%c0%ae"];
  const slashes = ["/", "%2f", "\\", "%5c", "%252f", "//", "/./"];
  const paths = up.flatMap((dots) => slashes.map((slash) => `${dots}${slash}`.repeat(8)))
    .flatMap((way) => [`/static/${way}etc/passwd`, `/static/${way}deno.json`, `/${way}etc/passwd`]);
  paths.push(
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/file:%2f%2f%2fetc%2fpasswd",
    "/static/app.js%00.png",
    "/static/app.js%2f..%2f..%2fdeno.json",
    "/static/dist%2fapp.js",
    "/static/.git%2fconfig",
    `/tasks/..%2f..%2fetc%2fpasswd`,
    `/tasks/${ID}%2f..%2f..%2fstatic%2fapp.js`,
  );
  for (const path of paths) {
    using socket = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(app.url).port),
    });
    const request = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
    await socket.write(new TextEncoder().encode(request));
    const text = await new Response(socket.readable).text();
    assertMatch(text, /^HTTP\/1\.1 (404|400) /, path);
    assert(!/root:|"compilerOptions"|import /.test(text), path);
  }
});

Deno.test("conflicting Content-Length and Transfer-Encoding headers smuggle no second request in", async () => {
  await using app = await testApp();
  const body = '{"kind":"echo"}';
  const smuggled = `POST /submit HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`;
  const heads = [
    `content-length: ${body.length}\r\ncontent-length: ${body.length + smuggled.length}`,
    `content-length: ${body.length}, ${body.length + 1}`,
    `content-length: +${body.length}`,
    `transfer-encoding: chunked\r\ntransfer-encoding: identity`,
    `transfer-encoding: xchunked`,
    `transfer-encoding : chunked`,
    `content-length: ${body.length + smuggled.length}\r\ntransfer-encoding: chunked`,
  ];
  for (const head of heads) {
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    using socket = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(app.url).port),
    });
    const sent = /chunked/.test(head) ? chunked : body;
    await socket.write(
      new TextEncoder().encode(
        `POST /tasks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${head}\r\n\r\n${sent}${smuggled}`,
      ),
    );
    const text = await new Response(socket.readable).text().catch(() => "");
    assert(text.split("HTTP/1.1 ").length <= 2, `${head}: ${text}`);
  }
  const { tasks } = await fetch(`${app.url}/tasks`).then((it) => it.json());
  assertEquals(tasks.filter(({ kind }: { kind: string }) => kind === "demo"), []);
});
