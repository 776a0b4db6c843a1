// deno-lint-ignore-file no-console -- its last words
// @ts-nocheck: Node runs it, with packages that are not the project's
/**
 * The peer's web process: submits over HTTP, and one `QueueEvents` fanned out over SSE. Only what
 * the bench needs, so less than Headway does: no validation, no snapshot, no resume, no heartbeat,
 * no bound on a slow reader.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const { MODULES, PORT, REDIS_PORT } = process.env;
const { Queue, QueueEvents } = createRequire(`${MODULES}/`)("bullmq");
const connection = { host: "127.0.0.1", port: Number(REDIS_PORT) };

// The default, 10,000, is a second of this load: a reader that lags longer would lose events.
const queue = new Queue("bench", { connection, streams: { events: { maxLen: 200_000 } } });
const events = new QueueEvents("bench", { connection });
const watchers = new Map();

function send(jobId, text, ends) {
  const responses = watchers.get(jobId);
  if (responses === undefined) return;
  const bytes = Buffer.from(text);
  for (const response of responses) {
    if (ends) response.end(bytes);
    else response.write(bytes);
  }
}

events.on("progress", ({ jobId, data }, id) => {
  send(jobId, `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`, false);
});
events.on("completed", ({ jobId, returnvalue }, id) => {
  const data = JSON.stringify({ status: "completed", result: returnvalue });
  send(jobId, `id: ${id}\nevent: complete\ndata: ${data}\n\n`, true);
});
events.on("error", (error) => console.error(error));
queue.on("error", (error) => console.error(error));

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString());
}

function answer(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function stream(jobId, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": connected\n\n");
  if (!watchers.has(jobId)) watchers.set(jobId, new Set());
  const responses = watchers.get(jobId).add(response);
  response.on("close", () => {
    responses.delete(response);
    if (responses.size === 0) watchers.delete(jobId);
  });
}

/** `GET /tasks?status=…`: how many are in that state is all that the bench asks. */
async function count(status) {
  const states = { pending: ["waiting", "prioritized", "delayed"], running: ["active"] };
  return await queue.getJobCountByTypes(...(states[status] ?? [status]));
}

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  if (request.method === "POST" && pathname === "/tasks") {
    const { kind, input } = await body(request);
    const job = await queue.add(kind, input);
    answer(response, 201, { task_id: job.id });
  } else if (pathname === "/tasks") {
    const found = await count(searchParams.get("status"));
    answer(response, 200, { tasks: Array(Math.min(found, 1)).fill({}), count: found });
  } else if (pathname.endsWith("/stream")) {
    stream(pathname.split("/")[2], response);
  } else answer(response, 404, { error: "no such thing" });
}

await queue.waitUntilReady();
await events.waitUntilReady();
createServer((request, response) => {
  if (request.url === "/healthz") answer(response, 200, {});
  else {
    handle(request, response).catch((error) => {
      console.error(error);
      answer(response, 500, { error: error.message });
    });
  }
}).listen(Number(PORT), "127.0.0.1", 4096);
process.on("SIGTERM", () => process.exit());
