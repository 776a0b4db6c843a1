import { assert, assertEquals, assertGreater } from "@std/assert";
import type { CsvProfile } from "../../lib/kinds/mod.ts";
import { finished, post, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { seededRandom } from "../helpers/random.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { assertWhole, childrenOf } from "./check_children.ts";
import { CRASH_KINDS } from "./kinds.ts";

/** `HEADWAY_SEED` repeats a run, as far as a random kill can be repeated. */
const SEED = Number(Deno.env.get("HEADWAY_SEED") ?? Math.floor(Math.random() * 2 ** 32));

const KILLS = 6;

const CSV_ROWS = 20_000;

async function uploadCsv(base: string): Promise<string> {
  const rows = Array.from({ length: CSV_ROWS }, (_, i) => `${i % 500},"city\n${i % 7}"\n`);
  const body = `id,city\n${rows.join("")}alone\n`;
  const response = await fetch(`${base}/uploads`, { method: "POST", body });
  return (await response.json()).upload_id;
}

Deno.test(`each child is made once, and waited for or canceled with its parent, through ${KILLS} kills`, async () => {
  await using directory = await tempDir();
  const options = { kv: `${directory.path}/test.db`, kinds: CRASH_KINDS };
  const random = seededRandom(SEED);
  const ids: string[] = [];
  const canceled: string[] = [];
  const profiles: string[] = [];
  let upload: string | undefined;
  let server: ServerProcess | undefined;
  try {
    for (let round = 0; round < KILLS; round++) {
      server = await startServer(options);
      const base = server.url;
      await using feed = await openStream(`${base}/tasks/stream`);
      for (let n = 0; n < 2; n++) ids.push((await submit(base, "splits")).task_id);
      canceled.push((await submit(base, "splits")).task_id);
      upload ??= await uploadCsv(base);
      profiles.push((await submit(base, "csv-split", { upload, parts: 5 })).task_id);
      // Even a slow client gets two events for each of 36 tasks or more: its newest state and end.
      const seen = 1 + 70 * random();
      const canceling = feed.until((it) => it.events.length >= seen / 2)
        .then(() => post(`${base}/tasks/${canceled.at(-1)}/cancel`))
        .then((response) => response.body?.cancel()).catch(() => {});
      await feed.until((it) => it.events.length >= seen);
      await server.kill();
      await canceling;
    }
    server = await startServer(options);
    const base = server.url;
    for (const id of canceled) {
      await taskWhen(base, id, ({ status }) => status !== "pending");
      await (await post(`${base}/tasks/${id}/cancel`)).body?.cancel();
      const { status } = await finished(base, id);
      if (status === "completed") continue;
      assertEquals(status, "canceled");
      for (const { task_id } of await childrenOf(base, id)) {
        assert(["canceled", "completed"].includes((await finished(base, task_id)).status));
      }
    }
    for (const id of ids) {
      const parent = await finished(base, id);
      await assertWhole(base, parent, 12, `HEADWAY_SEED=${SEED}`);
      const below = (await childrenOf(base, id)).filter(({ kind }) => kind === "splits");
      assertEquals(below.length, 1);
      await assertWhole(base, await finished(base, below[0]!.task_id), 2, `HEADWAY_SEED=${SEED}`);
    }
    for (const id of profiles) {
      const { result, artifacts } = await finished(base, id);
      const { rows, malformed, columns } = result as CsvProfile;
      const found = [
        rows,
        malformed,
        ...columns.flatMap(({ distinct, nulls }) => [distinct, nulls]),
      ];
      assertEquals(found, [CSV_ROWS, 1, 500, 0, 7, 0], `HEADWAY_SEED=${SEED}`);
      assertEquals(artifacts?.map(({ name }) => name), ["report.md"]);
    }
    // No task is left waiting for something that never comes.
    await eventually(async () => {
      const { running, pending, waiting } = await (await fetch(`${base}/tasks/counts`)).json();
      assertEquals([running, pending, waiting], [0, 0, 0]);
    });
    assertGreater(ids.length, 0);
  } finally {
    await server?.kill();
  }
});
