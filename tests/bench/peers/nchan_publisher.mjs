// deno-lint-ignore-file no-console -- its last words
// @ts-nocheck: Node runs it
/**
 * The process that publishes to nchan: takes submissions, and posts the same ticks as Headway's
 * `bench-ticker`, one after the other over a connection that is kept.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { Agent, createServer, request } from "node:http";
import process from "node:process";
import { Pace, stamp } from "../pace.mjs";

const { PORT, PUBLISH_PORT } = process.env;
const agent = new Agent({ keepAlive: true });

function send(method, id, text, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({
      method,
      headers: { ...headers, "content-length": Buffer.byteLength(text) },
      host: "127.0.0.1",
      port: Number(PUBLISH_PORT),
      path: `/publish/${id}`,
      agent,
    }, (response) => response.resume().on("end", resolve));
    sent.on("error", reject).end(text);
  });
}

async function run(id, { hz, ticks, start }) {
  const pace = new Pace({ hz, start });
  for (let done = 1; done <= ticks; done++) {
    await pace.due(done - 1);
    const progress = Math.round(100 * done / ticks);
    const data = { status: "running", progress, done, total: ticks, message: stamp(done) };
    await send("POST", id, JSON.stringify(data));
  }
  const end = JSON.stringify({ status: "completed", result: { ticks } });
  await send("POST", id, end, { "x-eventsource-event": "complete" });
  // Closes the streams, once all of them have had what was published.
  await send("DELETE", id, "");
}

async function body(message) {
  const pieces = [];
  for await (const piece of message) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString());
}

createServer(async (message, response) => {
  if (message.url === "/healthz") return void response.end();
  const { input } = await body(message);
  const id = randomUUID();
  response.writeHead(201, { "content-type": "application/json" });
  response.end(JSON.stringify({ task_id: id }));
  run(id, input).catch((error) => console.error(error));
}).listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit());
