/**
 * What clients were shown before the server is killed: rows and ids stay as they were, and only the
 * last moment of progress may be taken back.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import type { TaskRecord } from "headway";
import { getTask, storedEvents, submit } from "../helpers/api.ts";
import { startServer } from "../helpers/server.ts";
import { openStream, type ReadEvent, type StreamReader } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";

const TASKS = 100;
const CLIENTS = 10;

/** Milliseconds of progress that a kill may take back, and a margin for a machine that is busy. */
const TAKEN_BACK_MS = 250 + 1500;

/** What a client saw of a task, and when each progress came. */
class Client {
  readonly id: string;
  readonly reader: StreamReader;
  readonly came: { done: number; at: number }[] = [];
  #looked = 0;

  constructor(id: string, reader: StreamReader) {
    this.id = id;
    this.reader = reader;
  }

  /** Notes what came since; called with each chunk. */
  note(): void {
    for (; this.#looked < this.reader.events.length; this.#looked++) {
      const { event, data } = this.reader.events[this.#looked]!;
      if (event !== "message") continue;
      const { done } = JSON.parse(data) as TaskRecord;
      if (done !== null) this.came.push({ done, at: performance.now() });
    }
  }
}

/** Each event once, by its id and name. */
function byId(events: readonly ReadEvent[], known = new Map<string, string>()) {
  for (const { id, event, data } of events) {
    if (event === "reset") continue;
    const name = `${id} ${event}`;
    assertEquals(known.get(name) ?? data, data, `${name} came with other data`);
    known.set(name, data);
  }
  return known;
}

Deno.test("a kill of the server takes back no id or row that a client was shown, and only the last progress", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const first = await startServer({ kv, kinds: CRASH_KINDS });
  const ids: string[] = [];
  for (let n = 0; n < TASKS; n++) {
    ids.push((await submit(first.url, "counts", { steps: 1_000_000 })).task_id);
  }
  const clients = await Promise.all(
    ids.slice(0, CLIENTS).map(async (id) => {
      const stream = await openStream(`${first.url}/tasks/${id}/stream`, { lastEventId: "0" });
      return new Client(id, stream);
    }),
  );
  const rows = (events: readonly ReadEvent[]) => events.filter(({ event }) => event === "log");
  await Promise.all(clients.map((client) =>
    client.reader.until(({ events }) => {
      client.note();
      return rows(events).length >= 8 && client.came.length > 20;
    })
  ));
  const killedAt = performance.now();
  await first.kill();
  await Promise.all(clients.map(({ reader }) => reader.closed));
  for (const client of clients) client.note();

  await using second = await startServer({ kv, kinds: CRASH_KINDS });
  for (const { id, reader, came } of clients) {
    const url = `${second.url}/tasks/${id}/stream`;
    const seen = byId(reader.events);
    // A client can resume from any id that it ever had.
    const all = [...new Set(reader.events.map(({ id }) => id))];
    const some = [...all.slice(-5), ...all.filter((_, n) => n % 7 === 0)];
    for (const lastEventId of some) {
      await using again = await openStream(url, { lastEventId });
      // The task runs on, and the stream shows it.
      await again.until(({ events }) => rows(events).length >= 2);
      assertEquals(again.data("reset"), []);
      assert(again.events.every(({ id }) => Number(id) >= Number(lastEventId)));
      byId(again.events, seen);
    }
    // Every row that came is stored, once and in order.
    const stored = await storedEvents(second.url, id);
    const logged = stored.filter(({ event }) => event === "log");
    const seqs = logged.map(({ seq }) => seq);
    assertEquals(seqs, [...new Set(seqs)].toSorted((a, b) => a - b));
    const shown = rows(reader.events).map(({ id }) => Number(id));
    assertEquals(seqs.slice(0, shown.length), shown);
    // Progress that was shown before the last moment was known when the task was put back.
    const back = stored.find(({ seq, event, data }) =>
      event === "message" && data.status === "pending" && seq > shown.at(-1)!
    );
    assert(back, "it was never given back");
    const kept = came.findLast(({ at }) => at < killedAt - TAKEN_BACK_MS)?.done ?? 0;
    assertGreaterOrEqual(back.data.done, kept);
    assertGreater((await getTask(second.url, id)).seq, Number(all.at(-1)));
  }
});
