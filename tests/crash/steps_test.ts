import { assert, assertEquals, assertGreater } from "@std/assert";
import type { TaskRecord } from "headway";
import { finished, getTask, post, storedEvents, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { seededRandom } from "../helpers/random.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { CRASH_KINDS } from "./kinds.ts";

/** `HEADWAY_SEED` repeats a run, as far as a random kill can be repeated. */
const SEED = Number(Deno.env.get("HEADWAY_SEED") ?? Math.floor(Math.random() * 2 ** 32));

const KILLS = 8;

Deno.test(`step() and waitFor() keep their results through ${KILLS} kills, and every task completes`, async () => {
  await using directory = await tempDir();
  const options = { kv: `${directory.path}/test.db`, kinds: CRASH_KINDS };
  const random = seededRandom(SEED);
  const ids: string[] = [];
  /** Signals that were answered by 200, by task. */
  const taken = new Map<string, number>();
  let number = 0;
  let server: ServerProcess | undefined;
  const signal = async (base: string, id: string) => {
    const value = ++number;
    const response = await post(`${base}/tasks/${id}/signals/go`, value).catch(() => null);
    if (response?.ok) taken.set(id, value);
    await response?.body?.cancel().catch(() => {});
  };
  try {
    for (let round = 0; round < KILLS; round++) {
      server = await startServer(options);
      const base = server.url;
      await using feed = await openStream(`${base}/tasks/stream`);
      const own: string[] = [];
      for (let n = 0; n < 6; n++) own.push((await submit(base, "draws")).task_id);
      ids.push(...own);
      // Some signals come early, some while their task waits, and some only in a later round.
      const signaling = Promise.all(
        ids.filter((id) => !taken.has(id) && random() < 0.4).map((id) => signal(base, id)),
      );
      // A slow client may get only the newest state of each task. In the end all of them wait.
      const still = Math.floor(7 * random());
      await feed.until((it) => standing(it.data("message"), own) >= still);
      await server.kill();
      await signaling;
    }
    server = await startServer(options);
    const base = server.url;
    let runs = 0;
    for (const id of ids) {
      // A signal without an answer is sent again: the first one that arrived counts.
      await eventually(async () => {
        const { status, waiting_for } = await getTask(base, id);
        if (status === "completed") return;
        if (waiting_for?.name === "go") await signal(base, id);
        throw new Error(`Not yet: ${status}`);
      });
      const record = await finished(base, id) as TaskRecord<Record<string, unknown>>;
      assertEquals([record.status, record.attempt], ["completed", 1], `HEADWAY_SEED=${SEED}`);
      const events = await storedEvents(base, id);
      const drew = new Map<string, unknown>();
      for (const { event, data } of events) {
        if (event !== "log" || data.data?.drew === undefined) continue;
        const known = drew.get(data.message);
        assert(known === undefined || known === data.data.drew, `${id}: ${data.message}`);
        drew.set(data.message, data.data.drew);
      }
      assertEquals(Object.fromEntries(drew), record.result);
      assert(typeof record.result!.brought === "number");
      if (taken.has(id)) assertEquals(record.result!.brought, taken.get(id));
      const states = events.flatMap(({ event, data }) => event === "message" ? data.status : []);
      const count = (status: string) => states.filter((it) => it === status).length;
      const interrupted = events.filter(({ event, data }) =>
        event === "log" && data.message.startsWith("Interrupted")
      ).length;
      assertEquals(count("running"), 1 + count("waiting") + interrupted, states.join());
      runs += count("running");
    }
    // Some tasks waited or were interrupted.
    assertGreater(runs, ids.length);
  } finally {
    await server?.kill();
  }
});

/** How many of these tasks wait or have completed. */
function standing(records: readonly TaskRecord[], ids: readonly string[]): number {
  const newest = new Map(records.map(({ task_id, status }) => [task_id, status]));
  return ids.filter((id) => {
    const status = newest.get(id);
    return status === "waiting" || status === "completed";
  }).length;
}
