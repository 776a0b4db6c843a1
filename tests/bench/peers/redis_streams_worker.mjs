// deno-lint-ignore-file no-console -- its last words
// @ts-nocheck: Node runs it, with packages that are not the project's
/**
 * The worker of the peer on Redis Streams: the same rows as Headway's `bench-ticker`, each an `XADD`
 * that it waits for.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { Pace, stamp } from "../pace.mjs";

const { MODULES, REDIS_PORT } = process.env;
const { Redis } = createRequire(`${MODULES}/`)("ioredis");
const connect = () => new Redis(Number(REDIS_PORT), "127.0.0.1", { maxRetriesPerRequest: null });
const [tasks, redis] = [connect(), connect()];

async function run(id, { hz, ticks, start }) {
  const pace = new Pace({ hz, start });
  const add = (name, data) =>
    redis.xadd(`rows:${id}`, "*", "event", name, "data", JSON.stringify(data));
  for (let row = 1; row <= ticks; row++) {
    await pace.due(row - 1);
    await add("log", { level: "info", message: `row ${stamp(row)}` });
  }
  await add("complete", { status: "completed", result: { ticks } });
}

for (const client of [tasks, redis]) client.on("error", (error) => console.error(error));
process.on("SIGTERM", () => process.exit());
for (let last = "0";;) {
  const read = await tasks.xread("COUNT", 1000, "BLOCK", 0, "STREAMS", "tasks", last);
  for (const [entry, [, id, , task]] of read?.[0][1] ?? []) {
    last = entry;
    run(id, JSON.parse(task).input).catch((error) => console.error(error));
  }
}
