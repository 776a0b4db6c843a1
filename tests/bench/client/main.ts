/**
 * The load client, a process of its own: it reads a job from standard input, and prints a report. It
 * blocks its thread in `epoll_wait` while it works, since nothing else runs in it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- it speaks to the bench over standard output

import { checkClock } from "./clock.ts";
import type { RequestJob, WatchJob } from "./protocol.ts";
import { request } from "./request.ts";
import { watch } from "./watch.ts";

/** Reads the job, which is one line. Anything that is sent later cancels the job. */
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
