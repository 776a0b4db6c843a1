// deno-lint-ignore-file no-console -- its last words
// @ts-nocheck: Node runs it, with packages that are not the project's
/**
 * The web process of the peer on Redis Streams. As resumable streams are usually built: each client
 * has a reader of its own that blocks in `XREAD` behind the last entry the client has, on a
 * connection of its own, and the ids of the entries are those of the events. Less than Headway does:
 * no validation, no snapshot, no heartbeat, no bound on a slow reader.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const { MODULES, PORT, REDIS_PORT } = process.env;
const { Redis } = createRequire(`${MODULES}/`)("ioredis");
const connect = () => new Redis(Number(REDIS_PORT), "127.0.0.1", { maxRetriesPerRequest: null });
const redis = connect();

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** One event, and whether it is the last. An entry has two fields: its event's name and data. */
function event([id, [, name, , data]]) {
  return { text: `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`, last: name === "complete" };
}

async function follow(key, after, response) {
  const reader = connect();
  reader.on("error", (error) => response.destroyed || console.error(error));
  response.on("close", () => reader.disconnect());
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": connected\n\n");
  for (let last = after; !response.destroyed;) {
    const read = await reader.xread("COUNT", 1000, "BLOCK", 0, "STREAMS", key, last);
    if (read === null) continue;
    const entries = read[0][1];
    last = entries.at(-1)[0];
    const events = entries.map(event);
    const text = events.map(({ text }) => text).join("");
    if (events.at(-1).last) return void response.end(text);
    response.write(text);
  }
}

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  if (request.method === "POST" && pathname === "/tasks") {
    const id = randomUUID();
    await redis.xadd("tasks", "*", "id", id, "task", await body(request));
    response.writeHead(201, { "content-type": "application/json" });
    response.end(JSON.stringify({ task_id: id }));
  } else if (pathname.endsWith("/stream")) {
    const after = searchParams.get("last_event_id") ?? "0";
    // The reader's connection is closed under it when the client goes.
    await follow(`rows:${pathname.split("/")[2]}`, after, response).catch((error) => {
      if (!response.destroyed && !response.writableEnded) console.error(error);
    });
  } else response.writeHead(pathname === "/healthz" ? 200 : 404).end();
}

redis.on("error", (error) => console.error(error));
await redis.ping();
createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
}).listen(Number(PORT), "127.0.0.1", 4096);
process.on("SIGTERM", () => process.exit());
