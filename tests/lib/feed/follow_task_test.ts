import { assertEquals, assertLess } from "@std/assert";
import { createParser } from "eventsource-parser";
import { createFeed } from "../../../lib/feed/feed.ts";
import { followTask } from "../../../lib/feed/follow_task.ts";
import { encodeRows } from "../../../lib/kv/event_text.ts";
import type { Head } from "../../../lib/kv/head.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { Pulse } from "../../../lib/sse/pulse.ts";
import { SseStream } from "../../../lib/sse/stream.ts";
import type { Row } from "../../../lib/task/event.ts";
import { openHub } from "../../helpers/journal.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const ID = "01J0000000000000000000TEST";

/** Stores the rows of a task: large outputs, then logs. */
async function putTask(kv: Deno.Kv, outputs: number, logs: number): Promise<Row[]> {
  const rows = Array.from({ length: outputs + logs }, (_, n): Row => {
    const output = n < outputs;
    const json = `{"seq":${n + 1},"text":"${output ? "x".repeat(20_000) : ""}"}`;
    return { type: output ? "output" : "log", seq: n + 1, json };
  });
  for (const row of rows) await kv.set(keys.event(ID, row.seq), encodeRows([row]));
  return rows;
}

function putHead(kv: Deno.Kv, seq: number, edges: Partial<Head>): Promise<unknown> {
  const record = `{"task_id":"${ID}","status":"running","seq":${seq}}`;
  return kv.set(keys.task(ID), { record, trimmed: 0, trimmedOutputs: 0, ...edges } as Head);
}

/** Follows the task from its first row on, with a call of `onpage` after each page of rows. */
async function follow(
  opened: Awaited<ReturnType<typeof openHub>>,
  onpage: (page: number) => Promise<void>,
): Promise<{ event: string; seq: number }[]> {
  const { hub } = opened;
  let page = 0;
  // Only rows are read with `list()`.
  const kv = kvWith(opened.kv, {
    list: async function* (...args: Parameters<Deno.Kv["list"]>) {
      yield* opened.kv.list(...args);
      await onpage(++page);
    } as unknown as Deno.Kv["list"],
  });
  using pulse = new Pulse(2 ** 30);
  const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 1000 });
  const text = new Response(stream.body).text();
  const feed = createFeed(kv, hub, new Heads(kv, hub.pending));
  await followTask(stream, feed, { id: ID, lastEventId: "0" });
  stream.end();
  const events: { event: string; seq: number }[] = [];
  createParser({
    onEvent: ({ event = "message", id }) => void events.push({ event, seq: Number(id) }),
  }).feed(await text);
  return events;
}

Deno.test("followTask() sends all outputs while logs after them are removed, with one reset for the gap", async () => {
  await using opened = await openHub();
  const { kv } = opened;
  const rows = await putTask(kv, 40, 40);
  await putHead(kv, 80, { trimmed: 45 });
  for (let seq = 41; seq <= 45; seq++) await kv.delete(keys.event(ID, seq));
  const events = await follow(opened, async (page) => {
    const trimmed = Math.min(45 + 4 * page, 70);
    for (let seq = 41; seq <= trimmed; seq++) await kv.delete(keys.event(ID, seq));
    await putHead(kv, 80, { trimmed });
  });
  const seqs = (name: string) => events.filter(({ event }) => event === name).map((it) => it.seq);
  assertEquals(events[0]!.event, "reset");
  assertEquals(seqs("reset").length, 1);
  assertEquals(seqs("output"), rows.slice(0, 40).map(({ seq }) => seq));
  // No log is missing after the first one sent.
  const logs = seqs("log");
  assertEquals(logs, Array.from({ length: 81 - logs[0]! }, (_, n) => logs[0]! + n));
});

Deno.test("followTask() sends a reset when rows that its client still needs are removed while it reads", async () => {
  await using opened = await openHub();
  const { kv } = opened;
  await putTask(kv, 40, 10);
  await putHead(kv, 50, {});
  const events = await follow(opened, async (page) => {
    if (page !== 3) return;
    for (let seq = 1; seq <= 35; seq++) await kv.delete(keys.event(ID, seq));
    await putHead(kv, 50, { trimmedOutputs: 35 });
  });
  const reset = events.findIndex(({ event }) => event === "reset");
  assertEquals(events.filter(({ event }) => event === "reset").length, 1);
  const kept = Array.from({ length: 15 }, (_, n) => 36 + n);
  assertEquals(
    events.slice(reset + 1).filter(({ event }) => event !== "message").map((it) => it.seq),
    kept,
  );
});

Deno.test("followTask() leaves out stored outputs that a rewind took back, also if it comes while they are read", async () => {
  await using opened = await openHub();
  const { kv } = opened;
  await putTask(kv, 40, 10);
  const rewind: Row = { type: "rewind", seq: 51, json: '{"seq":51,"after":20}' };
  await kv.set(keys.event(ID, 51), encodeRows([rewind]));
  const rewound = { after: 20, before: 51, left: true };
  await putHead(kv, 51, { rewound });
  const events = await follow(opened, () => Promise.resolve());
  const seqs = (name: string) => events.filter(({ event }) => event === name).map((it) => it.seq);
  const upTo = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n);
  assertEquals([seqs("output"), seqs("log"), seqs("rewind")], [upTo(1, 20), upTo(41, 50), [51]]);
  // The rewind comes while the rows are read: a client that has some of them is told.
  await putHead(kv, 50, {});
  const later = await follow(opened, async (page) => {
    if (page === 3) await putHead(kv, 51, { rewound });
  });
  const outputs = later.filter(({ event }) => event === "output").map(({ seq }) => seq);
  assertEquals(outputs, upTo(1, outputs.length));
  const names = later.map(({ event }) => event);
  assertEquals(names.filter((name) => name === "rewind"), ["rewind"]);
  assertEquals(names.indexOf("rewind") > names.lastIndexOf("output"), true);
  assertLess(outputs.length, 40);
});

Deno.test("followTask() sends a client that resumes the progress that it missed, even with rows after it", async () => {
  await using opened = await openHub();
  const { hub, kv } = opened;
  const of = { id: ID, kind: "k1" };
  const record = (progress: number, seq: number) =>
    `{"task_id":"${ID}","status":"running","progress":${progress},"seq":${seq}}`;
  const head = { record: record(10, 3), trimmed: 0, trimmedOutputs: 0 } as Head;
  await kv.set(keys.task(ID), head);
  await opened.write([[
    { type: "log", ...of, seq: 4, json: '{"seq":4}' },
    { type: "progress", ...of, seq: 5, json: record(50, 5) },
    { type: "log", ...of, seq: 6, json: '{"seq":6}' },
    { type: "log", ...of, seq: 7, json: '{"seq":7}' },
  ]]);
  await hub.caughtUp();
  const told = async (lastEventId: string) => {
    using pulse = new Pulse(2 ** 30);
    const stream = new SseStream({ pulse, heartbeatMs: 0, lifeMs: 0, retryMs: 0, queue: 1000 });
    const text = new Response(stream.body).text();
    await followTask(stream, createFeed(kv, hub, new Heads(kv, hub.pending)), {
      id: ID,
      lastEventId,
    });
    stream.end();
    const events: [string, string][] = [];
    createParser({ onEvent: ({ id, data }) => void events.push([id!, data]) }).feed(await text);
    return events;
  };
  const rows = [6, 7].map((seq) => [String(seq), `{"seq":${seq}}`]);
  assertEquals(await told("4"), [["5", record(50, 5)], ...rows]);
  assertEquals(await told("3"), [["4", '{"seq":4}'], ["5", record(50, 5)], ...rows]);
  // This client missed no progress.
  assertEquals(await told("5"), rows);
});
