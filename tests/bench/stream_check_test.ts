import { assertEquals } from "@std/assert";
import { EventScanner } from "./client/event_scanner.ts";
import type { WatchJob } from "./client/protocol.ts";
import { StreamCheck } from "./client/stream_check.ts";
import { Tally } from "./client/tally.ts";

const encoder = new TextEncoder();

interface Given {
  /** Each as `[name, data, id]`; an id that is left out is the number of the event, from 1. */
  events: readonly (readonly [name: string, data: string, id?: string])[];
  job?: Partial<WatchJob>;
  now?: number;
}

/** Checks a stream of these events. */
function check({ events, job = {}, now = 0 }: Given): { check: StreamCheck; tally: Tally } {
  const tally = new Tally(job);
  tally.now = now;
  const check = new StreamCheck(tally);
  const scanner = new EventScanner((bytes, event) => check.take(bytes, event));
  events.forEach(([name, data, id], i) => {
    const lines = [`id: ${id ?? i + 1}`, ...(name ? [`event: ${name}`] : []), `data: ${data}`];
    const bytes = encoder.encode(`${lines.join("\n")}\n\n`);
    scanner.push(bytes, 0, bytes.length);
  });
  if (!job.open) check.end(job, true);
  return { check, tally };
}

const tick = (n: number, { time = 1000 + n, status = "running" } = {}) =>
  ["", `{"status":"${status}","message":"${time} ${n}"}`] as const;
const row = (n: number) => ["log", `{"message":"row ${1000 + n} ${n}"}`] as const;
const END = ["complete", `{"status":"completed"}`] as const;

Deno.test("StreamCheck finds no fault if progress is conflated and every row is there", () => {
  const { check: stream, tally } = check({
    events: [["", '{"message":null}'], row(1), tick(1), row(2), row(3), tick(3), END],
    job: { ticks: 3, rows: 3 },
  });
  assertEquals([tally.faults, stream.faulty, stream.seen], [{}, false, 2]);
});

Deno.test("StreamCheck names each broken promise", () => {
  const faults = (given: Given) => check(given).tally.faults;
  const job = { ticks: 2, rows: 2 };
  const good = [row(1), row(2), tick(1), tick(2)];
  assertEquals(faults({ events: [...good, END], job }), {});
  assertEquals(faults({ events: [...good, tick(2), END], job }), { "tick twice": 1 });
  assertEquals(faults({ events: [...good, tick(1), END], job }), { "tick out of order": 1 });
  assertEquals(faults({ events: [...good, row(2), END], job }), { "row twice": 1 });
  assertEquals(faults({ events: [row(2), tick(1), tick(2), END], job }), { "row lost": 1 });
  assertEquals(faults({ events: [row(1), row(2), tick(1), END], job }), { "final value lost": 1 });
  assertEquals(faults({ events: [row(1), tick(2), END], job }), { "rows lost at the end": 1 });
  assertEquals(faults({ events: good, job }), { "no complete": 1 });
  assertEquals(faults({ events: [...good, END, END], job }), {
    "event after complete": 1,
    "complete twice": 1,
  });
  assertEquals(faults({ events: [...good, [...END, "4"]], job }), { "id not rising": 1 });
  assertEquals(faults({ events: [["reset", "{}"]], job: { open: true } }), { reset: 1 });
});

Deno.test("StreamCheck does not take a change of state for a second tick", () => {
  const { tally } = check({
    events: [tick(4, { status: "pending" }), tick(4), tick(5), tick(5, { status: "pending" })],
    job: { open: true },
  });
  assertEquals(tally.faults, {});
});

Deno.test("StreamCheck reports the tick at which a task went on after a crash", () => {
  const { check: stream, tally } = check({
    events: [tick(4, { time: 900, status: "pending" }), tick(4, { time: 1100 }), tick(5)],
    job: { open: true, since: 1000 },
    now: 1200,
  });
  const { beforeTick, firstTick, firstAt, lastTick } = stream.report;
  assertEquals(tally.faults, {});
  assertEquals([beforeTick, firstTick, firstAt, lastTick], [4, 4, 1200, 5]);
});

Deno.test("Tally measures events that were yielded in the window, and counts those that arrived in it", () => {
  const window = { from: 1002, to: 1004 };
  const events = [tick(1), tick(2), row(1), row(2), row(3), tick(3), tick(4)];
  const { check: stream, tally } = check({
    events,
    job: { window, hz: 1000, open: true },
    now: 1003,
  });
  assertEquals(tally.latency.summary(), { count: 2, p50: 0, p95: 1, p99: 1, max: 1 });
  assertEquals([tally.rowLatency.count, tally.arrived, stream.lateness.most], [2, 7, 0]);
  assertEquals(check({ events, job: { window, open: true }, now: 1004 }).tally.arrived, 0);
});
