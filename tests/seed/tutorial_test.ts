/**
 * The tutorial that Headway grew out of works unchanged. Beside this file are parts of it, word for
 * word: the page (§5), the client (§4) and the steps to run them.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Server } from "../../lib/server.ts";
import { post, submit, taskWhen } from "../helpers/api.ts";
import { TestBrowser } from "../helpers/browser.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { openGate } from "../helpers/gate.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

function part(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, import.meta.url));
}

/** `POST /submit`, with steps that take less than a second. */
async function submitQuick(url: string, input: Record<string, number> = {}): Promise<string> {
  const response = await post(`${url}/submit`, { interval_ms: 20, ...input });
  const { task_id } = await response.json();
  return task_id;
}

/** A server whose tasks stay queued until a gate opens, so that a client can be there first. */
async function heldApp(gate: string): Promise<Server> {
  const app = await testApp({ HEADWAY_CONCURRENCY: "1" });
  const { task_id } = await submit(app.url, "gated", { gate });
  await taskWhen(app.url, task_id, ({ status }) => status === "running");
  return app;
}

/** Serves a page beside Headway's own routes: one origin, as the tutorial has it. */
function serveBeside(url: string, page: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/page") {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    // Every browser asks for it by itself.
    if (pathname === "/favicon.ico") return new Response(null, { status: 204 });
    return fetch(url + pathname + search, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: request.signal,
    });
  });
}

Deno.test("tutorial §1: the stream sends progress with the tutorial's fields, then complete with the result", async () => {
  await using app = await testApp();
  const task_id = await submitQuick(app.url);
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  assertEquals(stream.response.headers.get("content-type"), "text/event-stream");
  assertMatch(stream.response.headers.get("cache-control")!, /no-cache/);
  assertEquals(stream.response.headers.get("x-accel-buffering"), "no");
  await stream.all();
  for (const data of stream.data("message")) {
    for (const field of ["task_id", "status", "progress", "message"]) assert(field in data, field);
    assertEquals(data.task_id, task_id);
    assertEquals(typeof data.progress, "number");
  }
  const last = stream.data("message").at(-1);
  assertEquals([last.status, last.progress], ["completed", 100]);
  assertEquals(stream.events.at(-1)!.event, "complete");
  assertEquals(stream.data("complete").map(({ result }) => result), [{ data: "processed" }]);
  const unknown = await fetch(`${app.url}/tasks/no-such-task/stream`);
  assertEquals(unknown.status, 404);
  assertEquals(typeof (await unknown.json()).error, "string");
});

Deno.test("tutorial §2: stream-with-heartbeat sends ': heartbeat' while nothing happens", async () => {
  await using app = await testApp({ HEADWAY_HEARTBEAT_MS: "30" });
  const { task_id } = await submit(app.url, "demo", {}, { delay_ms: 3_600_000 });
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream-with-heartbeat`);
  await stream.until((it) => it.comments.length >= 2);
  assertEquals(new Set(stream.comments), new Set(["heartbeat"]));
  assertEquals(stream.data("message")[0].status, "pending");
});

Deno.test("tutorial §3: stream-with-id resumes after ?last_event_id=", async () => {
  await using app = await testApp();
  const task_id = await submitQuick(app.url);
  const url = `${app.url}/tasks/${task_id}/stream-with-id`;
  const first = await openStream(`${url}?last_event_id=0`);
  const [, second] = await first.collect(2);
  await first.close();
  await using again = await openStream(`${url}?last_event_id=${second!.id}`);
  await again.all();
  const ids = again.events.map(({ id }) => Number(id));
  assert(ids.every((id, n) => id >= (ids[n - 1] ?? Number(second!.id))), String(ids));
  assertEquals(again.data("message").at(-1).status, "completed");
});

Deno.test("tutorial §4: the client fills the page's elements and closes at the end", async () => {
  await using app = await testApp();
  const task_id = await submitQuick(app.url, { interval_ms: 100 });
  const client = (await part("client.js.txt")).replace("task-123", task_id);
  await using server = serveBeside(
    app.url,
    `<!DOCTYPE html><progress id="progress" max="100"></progress><p id="status"></p>
     <p id="message"></p><script>${client}</script>`,
  );
  await using browser = await TestBrowser.launch();
  await using opened = await browser.open(`http://127.0.0.1:${server.addr.port}/page`);
  const { page, problems } = opened;
  const logs: string[] = [];
  page.on("console", (message) => logs.push(message.text()));
  await page.waitForFunction(() =>
    document.getElementById("status")!.textContent === "completed" &&
    (document.getElementById("progress") as HTMLProgressElement).value === 100 &&
    document.getElementById("message")!.textContent === "step 10 of 10"
  );
  // 2 is CLOSED: `eventSource.close()` ran.
  await page.waitForFunction("eventSource.readyState === 2");
  assert(logs.some((text) => /^任务完成: /.test(text)), logs.join("\n"));
  assertEquals(problems, []);
});

Deno.test("tutorial §5: the page shows the progress, and says when the task is done", async () => {
  await using app = await heldApp("page");
  await using browser = await TestBrowser.launch();
  await using server = serveBeside(app.url, await part("page.html"));
  const task_id = await submitQuick(app.url, { interval_ms: 200 });
  const url = `http://127.0.0.1:${server.addr.port}/page?task_id=${task_id}`;
  await using opened = await browser.open(url);
  const { page, problems } = opened;
  const alerted = Promise.withResolvers<string>();
  page.on("dialog", (dialog) => {
    alerted.resolve(dialog.message());
    void dialog.accept();
  });
  const text = (id: string) => page.evaluate((id) => document.getElementById(id)!.textContent, id);
  // Records everything that the page shows on the way, for however short a time.
  await page.evaluate(() => {
    const text = (id: string) => document.getElementById(id)!.textContent;
    const shown: [string | null, number, string][] = [];
    new MutationObserver(() => {
      const { width } = document.getElementById("progress-fill")!.style;
      shown.push([text("status"), Number(text("progress-text")), width]);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    Object.assign(globalThis, { shown });
  });
  await eventually(() => assertEquals(app.pulse.size, 1));
  openGate("page");
  assertEquals(await alerted.promise, "任务完成！");
  const shown = await page.evaluate("shown") as [string, number, string][];
  assert(
    shown.some(([status, percent, width]) =>
      status === "running" && percent > 0 && percent < 100 && width === `${percent}%`
    ),
    JSON.stringify(shown),
  );
  assertEquals([await text("status"), await text("progress-text"), await text("message")], [
    "completed",
    "100.0",
    "step 10 of 10",
  ]);
  await page.waitForFunction("eventSource.readyState === 2");
  assertEquals(problems, []);
});

Deno.test("tutorial §6: POST /submit needs no body, and a failed task says why", async () => {
  await using app = await testApp();
  const response = await fetch(`${app.url}/submit`, { method: "POST" });
  assertEquals(response.status, 200);
  const body = await response.json();
  assertEquals(Object.keys(body), ["task_id"]);
  const begun = await taskWhen(app.url, body.task_id, (it) => it.status === "running");
  assertEquals(begun.kind, "demo");
  await post(`${app.url}/tasks/${body.task_id}/cancel`).then((it) => it.json());

  const failing = await submitQuick(app.url, { fail_at: 2 });
  await using stream = await openStream(`${app.url}/tasks/${failing}/stream`);
  await stream.all();
  assertEquals(stream.data("message").at(-1).status, "failed");
  assertEquals(stream.data("complete")[0].error.message, "Failed at step 2, as asked");
});

Deno.test("tutorial, steps to run and expected output: its curl lines print ten steps and the result", async () => {
  await using app = await heldApp("steps");
  const lines = (await part("steps.sh.txt")).split("\n").filter((line) => line.startsWith("curl"));
  const run = async (line: string) => {
    const args = line.replace("http://localhost:8000", app.url).replaceAll('"', "").split(" ");
    const { code, stdout } = await new Deno.Command(args[0]!, {
      args: args.slice(1),
      stderr: "null",
    }).output();
    assertEquals(code, 0, line);
    return new TextDecoder().decode(stdout);
  };
  const [submitLine, streamLine] = lines;
  const { task_id } = JSON.parse(await run(submitLine!));
  const streamed = run(streamLine!.replace("abc-123", task_id));
  await eventually(() => assertEquals(app.pulse.size, 1));
  openGate("steps");
  const text = await streamed;
  const data = text.split("\n").filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)));
  const running = data.filter(({ status }) => status === "running").map(({ progress }) => progress);
  assertEquals([...new Set(running)], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  assertEquals(data.at(-2).status, "completed");
  assertEquals(data.at(-2).progress, 100);
  assertMatch(text, /\nevent: complete\ndata: \{.*"result":\{"data":"processed"\}\}\n\n$/);
});

Deno.test("tutorial, exercise 1: the answer to a cancel says canceled, and so does the task's stream", async () => {
  await using app = await testApp({}, { cancelWaitMs: HANG_MS });
  const task_id = await submitQuick(app.url, { interval_ms: 60_000 });
  await using stream = await openStream(`${app.url}/tasks/${task_id}/stream`);
  await stream.until((it) => it.data("message").at(-1)?.status === "running");
  const response = await post(`${app.url}/tasks/${task_id}/cancel`);
  assertEquals([response.status, (await response.json()).status], [200, "canceled"]);
  await stream.all();
  assertEquals(stream.data("message").at(-1).status, "canceled");
  assertEquals(stream.events.at(-1)!.event, "complete");
});

Deno.test("tutorial, exercise 2: stream-all sends all tasks, whole, when one of them changes", async () => {
  await using app = await testApp();
  const first = await submitQuick(app.url, { interval_ms: 60_000 });
  await using stream = await openStream(`${app.url}/tasks/stream-all`);
  await stream.until((it) => it.data("message").at(-1)?.tasks.length === 1);
  const second = await submitQuick(app.url);
  await stream.until((it) =>
    it.data("message").at(-1).tasks.some((task: { task_id: string; status: string }) =>
      task.task_id === second && task.status === "completed"
    )
  );
  const { tasks } = stream.data("message").at(-1);
  assertEquals(tasks.map((task: { task_id: string }) => task.task_id), [second, first]);
  for (const task of tasks) {
    assertEquals([typeof task.status, typeof task.progress], ["string", "number"]);
  }
  assertEquals(new Set(stream.events.map(({ event }) => event)), new Set(["message"]));
  await post(`${app.url}/tasks/${first}/cancel`).then((it) => it.json());
});
