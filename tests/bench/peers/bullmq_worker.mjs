// deno-lint-ignore-file no-console -- its last words
// @ts-nocheck: Node runs it, with packages that are not the project's
/**
 * The peer's worker process: the same ticks as Headway's `bench-ticker`, by `job.updateProgress`.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { Pace, stamp } from "../pace.mjs";

const { CONCURRENCY, MODULES, REDIS_PORT } = process.env;
const { Worker } = createRequire(`${MODULES}/`)("bullmq");

async function tick(job) {
  const { hz, ticks, start } = job.data;
  const pace = new Pace({ hz, start });
  for (let done = 1; done <= ticks; done++) {
    await pace.due(done - 1);
    const progress = Math.round(100 * done / ticks);
    await job.updateProgress({ progress, done, total: ticks, message: stamp(done) });
  }
  return { ticks };
}

const worker = new Worker(
  "bench",
  (job) => job.name === "bench-ticker" ? tick(job) : { data: "processed" },
  {
    connection: { host: "127.0.0.1", port: Number(REDIS_PORT) },
    concurrency: Number(CONCURRENCY),
  },
);
worker.on("error", (error) => console.error(error));
process.on("SIGTERM", () => process.exit());
