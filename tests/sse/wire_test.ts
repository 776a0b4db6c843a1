import { once } from "node:events";
import { connect } from "node:http2";
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { openGate } from "../helpers/kinds.ts";
import { testApp } from "../helpers/server.ts";
import { eventually } from "../helpers/eventually.ts";
import { openRaw, openStream } from "../helpers/sse.ts";

const EVENTS = new Set(["message", "log", "output", "complete"]);

/** Every known way to break out of a line or a field. */
const HOSTILE = [
  "x\ndata: forged\n\n",
  "x\rdata: forged\r\r",
  "x\r\ndata: forged\r\n\r\n",
  "x\nid: 666\nevent: forged\n\n",
  "\u2028data: forged\u2029",
  "a\0b",
  "\ufeffdata: forged",
  "\u0085data: forged",
];

async function wire(url: string): Promise<string> {
  using raw = await openRaw(url, { headers: { connection: "close" } });
  await raw.toEnd();
  const { text, complete } = raw.body();
  assert(complete, "the last chunk came");
  return text;
}

Deno.test("sse 01: text with line breaks arrives whole, and no CR is on the wire", async () => {
  await using app = await testApp();
  const text = "a\rb\r\nc\nd";
  const { task_id } = await submit(app.url, "says", { texts: [text] });
  await finished(app.url, task_id);
  const url = `${app.url}/tasks/${task_id}/stream?last_event_id=0`;
  await using stream = await openStream(url);
  await stream.all();
  assertEquals(stream.data("log")[0].message, text);
  assertEquals(stream.data("output")[0].data, { [text]: text });
  assertEquals(stream.data("complete")[0].result, { texts: [text] });
  assertNotMatch(await wire(url), /\r/);
});

Deno.test("sse 02: nothing a task says can forge an event or a field", async () => {
  await using app = await testApp();
  for (const throws of [false, true]) {
    const { task_id } = await submit(app.url, "says", { texts: HOSTILE, throws });
    await finished(app.url, task_id);
    const url = `${app.url}/tasks/${task_id}/stream?last_event_id=0`;
    await using stream = await openStream(url);
    await stream.all();
    assertEquals(stream.errors, []);
    assertEquals(stream.data("log").map(({ message }) => message), HOSTILE);
    assertEquals(stream.data("output").map(({ data }) => Object.keys(data)[0]), HOSTILE);
    for (const { event, id, data } of stream.events) {
      assert(EVENTS.has(event), event);
      assertMatch(id, /^\d+$/);
      JSON.parse(data);
    }
    // The raw lines, too. By the standard, no other character on the wire ends a line.
    for (const line of (await wire(url)).split("\n")) {
      assertMatch(line, /^(|retry: \d+|id: \d+|event: (log|output|complete)|data: \{.*\})$/s);
    }
  }
});

Deno.test("sse 02: nothing in a request can forge an event or a field", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  for (const forged of HOSTILE) {
    const id = encodeURIComponent(forged);
    const own = await wire(`${app.url}/tasks/${task_id}/stream?last_event_id=${id}`);
    assertMatch(own, /^retry: \d+\n\nevent: reset\ndata: /);
    assertNotMatch(own, /^(data: )?forged|^(id|retry): 666$/m);
    await using many = await openStream(`${app.url}/tasks/stream?last_event_id=${id}`);
    assertEquals((await many.collect(1))[0]!.event, "reset");
    assertEquals(
      (await fetch(`${app.url}/tasks/${id}/stream`).then((it) => it.json())).status,
      404,
    );
  }
});

Deno.test("sse 03: leading white space of a log message is kept", async () => {
  await using app = await testApp();
  const texts = [" a", "  b", "\tc", " ", ""];
  const { task_id } = await submit(app.url, "says", { texts });
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream?last_event_id=0`);
  await stream.all();
  assertEquals(stream.data("log").map(({ message }) => message), texts);
});

Deno.test("sse 04, 05: event ids are safe in a Last-Event-ID header, which needs no CORS preflight", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "20" });
  await using many = await openStream(`${app.url}/tasks/stream`);
  await using all = await openStream(`${app.url}/tasks/stream-all`);
  await many.collect(1);
  const ids = [many.lastEventId];
  const { task_id } = await submit(app.url, "says", { texts: HOSTILE });
  await using one = await openStream(`${app.url}/tasks/${task_id}/stream?last_event_id=0`);
  await one.all();
  await many.until((it) => it.data("complete").length > 0);
  await many.until((it) => it.comments.length > 0);
  await all.until((it) => it.events.length > 1);
  ids.push(many.lastEventId);
  for (const { events } of [one, many, all]) ids.push(...events.map(({ id }) => id));
  // Fetch safelists a Last-Event-ID of up to 128 bytes without any of `"():<>?@[\]{}` and DEL.
  for (const id of ids) assertMatch(id, /^[A-Za-z0-9._~-]{1,128}$/);
});

Deno.test("sse 12: every stream sends its headers and a first event before anything happens", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  for (const path of ["/tasks/stream", "/tasks/stream-all", `/tasks/${task_id}/stream`]) {
    await using stream = await openStream(app.url + path);
    assertEquals(stream.response.status, 200);
    await stream.until((it) => it.retry !== null && it.events.length === 1);
  }
});

Deno.test("sse 23: retry times differ from stream to stream, by up to half of HEADWAY_RETRY_MS", async () => {
  await using app = await testApp({ HEADWAY_RETRY_MS: "1000" });
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  const waits: number[] = [];
  for (let n = 0; n < 100; n++) {
    await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
    await stream.all();
    waits.push(stream.retry!);
  }
  for (const wait of waits) assert(wait >= 500 && wait <= 1500, String(wait));
  assert(new Set(waits).size > 50, `only ${new Set(waits).size} different waits`);
  assert(Math.max(...waits) - Math.min(...waits) > 500, "they are spread");
});

Deno.test("sse 28: a stream over HTTP/2 has no connection headers of HTTP/1", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "ticker", { ticks: 20, interval_ms: 10 });
  const { code, stdout } = await new Deno.Command("curl", {
    args: ["-sS", "-N", "-i", "--http2-prior-knowledge", `${app.url}/tasks/${task_id}/stream`],
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);
  const text = new TextDecoder().decode(stdout);
  assertMatch(text, /^HTTP\/2 200/m);
  assertMatch(text, /^event: complete$/m);
  assertNotMatch(text, /^(connection|transfer-encoding|keep-alive|upgrade):/im);
});

Deno.test("sse 28: one HTTP/2 connection carries twenty streams at once", async () => {
  await using app = await testApp();
  const session = connect(app.url);
  const gate = crypto.randomUUID();
  const began = Promise.withResolvers<void>();
  let beginnings = 0;
  const streams = Array.from({ length: 20 }, async () => {
    const { task_id } = await submit(app.url, "gated", { gate });
    const request = session.request({ ":path": `/tasks/${task_id}/stream` });
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      const before = text.includes('"waits"');
      text += chunk;
      if (!before && text.includes('"waits"') && ++beginnings === 20) began.resolve();
    });
    await once(request, "end");
    return text;
  });
  await began.promise;
  openGate(gate);
  for (const text of await Promise.all(streams)) assertMatch(text, /^event: complete$/m);
  session.close();
  await once(session, "close");
});

Deno.test("sse 29: streams are exactly text/event-stream, without a length, and 406 if Accept excludes it", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "waits");
  for (
    const path of ["stream", "stream-with-heartbeat", "stream-with-id"].map((name) =>
      `/tasks/${task_id}/${name}`
    ).concat("/tasks/stream", "/tasks/stream-all")
  ) {
    for (
      const [accept, status] of [
        ["*/*", 200],
        [undefined, 200],
        ["text/event-stream", 200],
        ["text/*;q=0.5", 200],
        ["text/event-stream;q=0", 406],
        ["application/json", 406],
      ] as const
    ) {
      using raw = await openRaw(app.url + path, {
        headers: accept === undefined ? {} : { accept },
      });
      await raw.until("\r\n\r\n");
      assertMatch(raw.head, new RegExp(`^HTTP/1.1 ${status} `));
      if (status !== 200) {
        assertMatch(raw.head, /^content-type: application\/problem\+json$/im);
        continue;
      }
      assertMatch(raw.head, /^content-type: text\/event-stream$/im);
      assertMatch(raw.head, /^cache-control: no-cache, no-store, no-transform$/im);
      assertMatch(raw.head, /^x-accel-buffering: no$/im);
      assertNotMatch(raw.head, /^content-(length|encoding):/im);
    }
    using head = await openRaw(app.url + path, { method: "HEAD" });
    await head.until("\r\n\r\n");
    assertMatch(head.head, /^HTTP\/1.1 200 /);
    assertMatch(head.head, /^content-type: text\/event-stream$/im);
  }
  // HEAD opened no stream, and the streams of the other requests are gone.
  await eventually(() => assertEquals(app.pulse.size, 0));
  await eventually(() => assertEquals(app.places.clients.length, 0));
  await fetch(`${app.url}/tasks/${task_id}/cancel`, { method: "POST" }).then((it) => it.json());
});

Deno.test("sse 30: no byte comes before a stream's first field, and no multi-byte character breaks", async () => {
  await using app = await testApp();
  const text = "進捗 🚀 é ".repeat(500);
  const { task_id } = await submit(app.url, "says", { texts: Array(3).fill(text) });
  await taskWhen(app.url, task_id, (it) => it.status === "completed");
  const url = `${app.url}/tasks/${task_id}/stream?last_event_id=0`;
  assertMatch(await wire(url), /^retry: \d+\n\nid: /);
  await using stream = await openStream(url);
  await stream.all();
  assertEquals(stream.data("log").map(({ message }) => message), Array(3).fill(text));
});
