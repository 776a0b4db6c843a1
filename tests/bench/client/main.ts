/**
 * The load client, a process of its own: reads one job from standard input, prints what came of it.
 * Blocks its thread in `epoll_wait` while it works, as nothing else runs in it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- it speaks to the bench over standard output

import { checkClock } from "./clock.ts";
import type { RequestJob, WatchJob } from "./protocol.ts";
import { request } from "./request.ts";
import { watch } from "./watch.ts";

/** Reads the one line that is sent; anything later calls the job off. */
function readJob(): WatchJob | RequestJob {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let line = "";
  while (!line.endsWith("\n")) {
    const length = Deno.stdin.readSync(buffer);
    if (length === null) throw new Error("Cannot read the job: standard input ended");
    line += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return JSON.parse(line);
}

if (import.meta.main) {
  checkClock();
  const job = readJob();
  const report = job.do === "watch"
    ? watch(job, (ready) => console.log(JSON.stringify(ready)))
    : request(job);
  console.log(JSON.stringify(report));
}
