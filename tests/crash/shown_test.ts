/**
 * What clients were shown before the server is killed: rows and ids stay as they were, and only the
 * progress after the last row may be taken back.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { getTask, storedEvents, submit } from "../helpers/api.ts";
import { startServer } from "../helpers/server.ts";
import { openStream, type ReadEvent } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";

const TASKS = 100;
const CLIENTS = 10;

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

Deno.test("a kill of the server takes back no id or row that a client was shown, and no progress before its last row", async () => {
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  const first = await startServer({ kv, kinds: CRASH_KINDS });
  const ids: string[] = [];
  for (let n = 0; n < TASKS; n++) {
    ids.push((await submit(first.url, "counts", { steps: 1_000_000 })).task_id);
  }
  const clients = await Promise.all(
    ids.slice(0, CLIENTS).map(async (id) => {
      const reader = await openStream(`${first.url}/tasks/${id}/stream`, { lastEventId: "0" });
      return { id, reader };
    }),
  );
  const rows = (events: readonly ReadEvent[]) => events.filter(({ event }) => event === "log");
  const progress = (events: readonly ReadEvent[]) =>
    events.flatMap(({ id, event, data }) => {
      const done: number | null = event === "message" ? JSON.parse(data).done : null;
      return done === null ? [] : [{ id, done }];
    });
  await Promise.all(
    clients.map(({ reader }) =>
      reader.until(({ events }) => rows(events).length >= 8 && progress(events).length > 20)
    ),
  );
  await first.kill();
  await Promise.all(clients.map(({ reader }) => reader.closed));

  await using second = await startServer({ kv, kinds: CRASH_KINDS });
  for (const { id, reader } of clients) {
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
    // Progress that was shown before the last row was known when the task was put back.
    const back = stored.find(({ seq, event, data }) =>
      event === "message" && data.status === "pending" && seq > shown.at(-1)!
    );
    assert(back, "it was never given back");
    const kept = progress(reader.events).findLast(({ id }) => Number(id) < shown.at(-1)!)!;
    assertGreaterOrEqual(back.data.done, kept.done);
    assertGreater((await getTask(second.url, id)).seq, Number(all.at(-1)));
  }
});
