/**
 * Measures what a proxy costs: latencies from `yield` to a client, without a proxy, and through nginx
 * and Caddy as in `deploy/`, over TLS and HTTP/2. Run `deno task bench:proxy` on a quiet machine.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a program that prints for people

import { createParser } from "eventsource-parser";
import { submit } from "../helpers/api.ts";
import { PROXIES } from "../helpers/proxy.ts";
import { startServer } from "../helpers/server.ts";
import { wallClock } from "./client/clock.ts";
import { Samples } from "./stats.ts";

/** The number of tasks, each with one stream, and how often each yields, in hertz. */
const TASKS = 100;
const HZ = 10;

/** Milliseconds to measure, and to wait before that until the load is steady. */
const MEASURED_MS = 20_000;
const SETTLE_MS = 3000;

/** The promised bound from `yield` to a client behind a proxy, in milliseconds. */
const LATE_MS = 100;

/** Reads a stream until the signal aborts, and measures each tick that was yielded after `from`. */
async function follow(
  url: string,
  client: Deno.HttpClient | undefined,
  from: number,
  latency: Samples,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "accept-encoding": "gzip, br" };
  const response = await fetch(url, { headers, ...(client ? { client } : {}) });
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  const parser = createParser({
    onEvent({ data }) {
      const yielded = Number(/"message":"([\d.]+) \d+"/.exec(data)?.[1] ?? NaN);
      if (yielded >= from) latency.add(wallClock() - yielded);
    },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parser.feed(read.value);
  }
}

async function measure(base: string, client: Deno.HttpClient | undefined, ids: readonly string[]) {
  const latency = new Samples();
  const from = wallClock() + SETTLE_MS;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), SETTLE_MS + MEASURED_MS);
  await Promise.all(
    ids.map((id) => follow(`${base}/tasks/${id}/stream`, client, from, latency, over.signal)),
  );
  clearTimeout(timer);
  const { count, p50, p99, max } = latency.summary();
  return `${count} events, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
    `the slowest ${max.toFixed(1)} ms, ${max > LATE_MS ? "not " : ""}all within ${LATE_MS} ms`;
}

await using server = await startServer({
  kinds: new URL("./kinds.ts", import.meta.url).href,
  env: { HEADWAY_TRUST_PROXY: "1", HEADWAY_HEARTBEAT_MS: "0" },
});
const ids: string[] = [];
for (let n = 0; n < TASKS; n++) {
  const input = { hz: HZ, ticks: 3600 * HZ, start: Date.now() };
  ids.push((await submit(server.url, "bench-ticker", input)).task_id);
}
console.log(`no proxy: ${await measure(server.url, undefined, ids)}`);
for (const [name, { command, start }] of Object.entries(PROXIES)) {
  if (command === null) {
    console.log(`${name}: not found`);
    continue;
  }
  await using proxy = await start(command, server.url);
  console.log(`${name}: ${await measure(proxy.url, proxy.client, ids)}`);
}
