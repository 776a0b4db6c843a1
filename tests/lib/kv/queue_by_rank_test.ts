import { assertEquals, assertRejects } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { queueByRank } from "../../../lib/kv/queue_by_rank.ts";
import { rankAt } from "../../../lib/kv/rank.ts";
import { start } from "../../../embed/open.ts";
import { readConfig } from "../../../lib/config/read_config.ts";
import { finished, getTask, submit } from "../../helpers/api.ts";
import { assertConsistent } from "../../helpers/consistency.ts";
import { TEST_KINDS } from "../../helpers/kinds.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

/** In milliseconds: far more than a whole test takes. */
const HOUR = 3_600_000;

/** Moves tasks that wait for a time to their keys of layout 1. Returns how many these are. */
async function takeBack(kv: Deno.Kv): Promise<number> {
  let count = 0;
  for await (const { key } of kv.list({ prefix: keys.laters })) {
    const { kind, priority, runAt, id } = rankAt(key);
    await kv.atomic().delete(key).set(["later", runAt, id], [kind, priority]).commit();
    count++;
  }
  await kv.set(keys.schema, 1);
  return count;
}

async function kvKeys(kv: Deno.Kv, prefix: Deno.KvKey): Promise<Deno.KvKey[]> {
  return await Array.fromAsync(kv.list({ prefix }), ({ key }) => key);
}

/** Sets the keys that 25 tasks had in layout 1. Returns those that they have in layout 2. */
async function oldStore(kv: Deno.Kv): Promise<Deno.KvKey[]> {
  const right: Deno.KvKey[] = [];
  for (let n = 0; n < 25; n++) {
    const [kind, priority] = [`k${n % 2}`, n % 3 - 1];
    await kv.set(["later", 1000 - n, `id${n}`], [kind, priority]);
    right.push(keys.later(kind, priority, 1000 - n, `id${n}`));
  }
  return right;
}

function sorted(list: readonly Deno.KvKey[]): string[] {
  return list.map((key) => key.join()).sort();
}

Deno.test("queueByRank() moves tasks that wait for a time, and goes on where it was interrupted", async () => {
  using kv = await Deno.openKv(":memory:");
  const right = await oldStore(kv);
  let commits = 0;
  const cut = kvWith(kv, {
    atomic: () => {
      if (++commits === 3) throw new Error("cut short");
      return kv.atomic();
    },
  });
  await assertRejects(() => queueByRank(cut), Error, "cut short");
  await queueByRank(kv);
  assertEquals(sorted(await kvKeys(kv, ["later"])), sorted(right));
  await queueByRank(kv);
  assertEquals(sorted(await kvKeys(kv, ["later"])), sorted(right));
});

Deno.test("queueByRank() moves each task once, also if it runs several times at once", async () => {
  using kv = await Deno.openKv(":memory:");
  const right = await oldStore(kv);
  // Another process may move only some of the keys that one commit here moves.
  const others = queueByRank(kv);
  await kv.atomic().delete(["later", 998, "id2"]).set(right[2]!, null).commit();
  await Promise.all([others, queueByRank(kv), queueByRank(kv)]);
  assertEquals(sorted(await kvKeys(kv, ["later"])), sorted(right));
});

Deno.test("queueByRank() corrects the key of a task with priority -0", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.kind("k"), null);
  await kv.set(["queue", "k", 0, 5, "id1"], ["k", 0]);
  await kv.set(["queue", "k", -0, 6, "id2"], ["k", 0]);
  await queueByRank(kv);
  assertEquals(await kvKeys(kv, ["queue"]), [
    ["queue", "k", -0, 5, "id1"],
    ["queue", "k", -0, 6, "id2"],
  ]);
});

Deno.test("start() migrates a store of layout 1: tasks that waited for a time run or can be canceled", async () => {
  await using directory = await tempDir();
  const kv = await Deno.openKv(`${directory.path}/test.db`);
  const settings: Record<string, string> = {
    HEADWAY_PORT: "0",
    HEADWAY_KINDS: TEST_KINDS,
    HEADWAY_LOG: "error",
  };
  let ahead = 0;
  const open = (role: string) => {
    const config = readConfig((name) => name === "HEADWAY_ROLE" ? role : settings[name]);
    return start(config, { kv, inline: true, now: () => Date.now() + ahead });
  };
  const soon: string[] = [];
  let late = "";
  {
    // A web process runs no tasks, however long this takes.
    await using server = await open("web");
    for (let n = 0; n < 12; n++) {
      const more = { delay_ms: HOUR + n, priority: n % 3 - 1 };
      soon.push((await submit(server.url, "echo", n, more)).task_id);
    }
    late = (await submit(server.url, "echo", "late", { delay_ms: 3 * HOUR })).task_id;
  }
  assertEquals(await takeBack(kv), 13);
  ahead = 2 * HOUR;
  {
    await using server = await open("all");
    for (const id of soon) assertEquals((await finished(server.url, id)).status, "completed");
    await (await fetch(`${server.url}/tasks/${late}/cancel`, { method: "POST" })).text();
    assertEquals((await getTask(server.url, late)).status, "canceled");
  }
  await assertConsistent(kv);
  assertEquals([await kvKeys(kv, ["later"]), await kvKeys(kv, ["queue"])], [[], []]);
  kv.close();
});
