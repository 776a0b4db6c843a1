/**
 * Every output counts once, whatever is killed: in the history, for a client that watched, and for
 * clients that come later, even with the id of an output that was taken back.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { watch } from "headway/client";
import { start } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import type { OutputRow, TaskEvent } from "../../static/client/client.d.ts";
import { NOTHING, take } from "../../static/client/task_view.ts";
import { finished, post, storedEvents, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { closedGate } from "../helpers/gate.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";

/** The outputs of a completed task of the kind `puts`, which saves after the second. */
const ALL = [1, 2, 3, 4, 5];

/** What is known of a task's events, as a page shows it. */
function viewOf(events: readonly TaskEvent[]) {
  return events.reduce((view, event) => take(view, event, 1000), NOTHING);
}

function dataOf(rows: readonly OutputRow[]): unknown[] {
  return rows.map(({ data }) => data);
}

/** Waits until a task has the outputs that its first run makes. */
async function heldBack(base: string, id: string): Promise<number[]> {
  return await eventually(async () => {
    const outputs = (await storedEvents(base, id)).filter(({ event }) => event === "output");
    assertEquals(outputs.map(({ data }) => data.data), [1, 2, 3, 4]);
    return outputs.map(({ seq }) => seq);
  });
}

/** Reads a task's events from an id on, to its end. */
async function readAll(base: string, id: string, lastEventId: number): Promise<TaskEvent[]> {
  return await Array.fromAsync(watch(id, { base, lastEventId: String(lastEventId) }));
}

/** Asserts that each output of an ended task counts once, for every client. */
async function assertCountedOnce(base: string, id: string, seqs: readonly number[]) {
  assertEquals((await finished(base, id)).status, "completed");
  const rows = await storedEvents(base, id);
  const outputs = rows.filter(({ event }) => event === "output");
  assertEquals(outputs.map(({ data }) => data.data), ALL);
  assertEquals(outputs.slice(0, 2).map(({ seq }) => seq), seqs.slice(0, 2));
  const rewind = rows.find(({ event }) => event === "rewind");
  assert(rewind);
  const { seq, after } = rewind.data;
  assertEquals(seq, rewind.seq);
  assert(seqs[1]! < after && after < seqs[2]! && seqs[3]! < seq && seq < outputs[2]!.seq);
  const fresh = await readAll(base, id, 0);
  assertEquals(fresh.flatMap((it) => it.type === "output" ? [it.data.data] : []), ALL);
  // A client that had seen the outputs learns which of them no longer count.
  for (const known of seqs.keys()) {
    const before = seqs.slice(0, known + 1).map((seq, n): TaskEvent => {
      return { type: "output", id: `${seq}`, data: { seq, time: "", data: n + 1 } };
    });
    const events = await readAll(base, id, seqs[known]!);
    assertEquals(events.filter(({ type }) => type === "rewind").length, 1);
    assertEquals(dataOf(viewOf([...before, ...events]).outputs), ALL);
  }
}

Deno.test("outputs after the last checkpoint are taken back when a task process is killed", async () => {
  await using gate = closedGate();
  const settings: Record<string, string> = {
    HEADWAY_PORT: "0",
    HEADWAY_KV: ":memory:",
    HEADWAY_KINDS: CRASH_KINDS,
    HEADWAY_LOG: "off",
  };
  await using server = await start(readConfig((name) => settings[name]), {});
  const { url } = server;
  const { task_id: id } = await submit(url, "puts", { gate: gate.url });
  const watching = readAll(url, id, 0);
  const seqs = await heldBack(url, id);
  Deno.kill(server.engine.runner!.pids[0]!, "SIGKILL");
  await eventually(async () => {
    const rows = await storedEvents(url, id);
    assert(rows.some(({ event }) => event === "rewind"));
  });
  gate.open();
  await assertCountedOnce(url, id, seqs);
  const live = await watching;
  assertEquals(live.flatMap((it) => it.type === "output" ? [it.data.data] : []), [
    ...[1, 2, 3, 4],
    ...[3, 4, 5],
  ]);
  assertEquals(dataOf(viewOf(live).outputs), ALL);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`outputs after the last checkpoint are taken back when a server starts after a ${signal}`, async () => {
    await using directory = await tempDir();
    await using gate = closedGate();
    const env = { HEADWAY_DRAIN_MS: "0" };
    const options = { kv: `${directory.path}/test.db`, kinds: CRASH_KINDS, env };
    await using first = await startServer(options);
    const { task_id: id } = await submit(first.url, "puts", { gate: gate.url });
    const seqs = await heldBack(first.url, id);
    await first.kill(signal);
    gate.open();
    await using second = await startServer(options);
    await assertCountedOnce(second.url, id, seqs);
  });
}

Deno.test("outputs after the last checkpoint are taken back when a canceled task is retried", async () => {
  await using gate = closedGate();
  await using server = await startServer({ kinds: CRASH_KINDS });
  const { url } = server;
  const { task_id: id } = await submit(url, "puts", { gate: gate.url });
  const seqs = await heldBack(url, id);
  await (await post(`${url}/tasks/${id}/cancel`)).body?.cancel();
  assertEquals((await finished(url, id)).status, "canceled");
  // Until the task starts again, these outputs count.
  await heldBack(url, id);
  gate.open();
  await (await post(`${url}/tasks/${id}/retry`)).body?.cancel();
  await assertCountedOnce(url, id, seqs);
});
