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

/** Puts tasks that wait for a time where layout 1 had them. */
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

/** What layout 1 had of 25 tasks, and what is to become of it. */
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

Deno.test("queueByRank() moves what waits for a time, and does again what was cut short", async () => {
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

Deno.test("queueByRank() in two processes at once moves each task once", async () => {
  using kv = await Deno.openKv(":memory:");
  const right = await oldStore(kv);
  // They need not have the same keys in a commit.
  const others = queueByRank(kv);
  await kv.atomic().delete(["later", 998, "id2"]).set(right[2]!, null).commit();
  await Promise.all([others, queueByRank(kv), queueByRank(kv)]);
  assertEquals(sorted(await kvKeys(kv, ["later"])), sorted(right));
});

Deno.test("queueByRank() mends the key of a task of priority -0", async () => {
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

Deno.test("a store of layout 1 goes on: what waited for a time runs, and can be canceled", async () => {
  await using directory = await tempDir();
  const kv = await Deno.openKv(`${directory.path}/test.db`);
  const settings: Record<string, string> = {
    HEADWAY_PORT: "0",
    HEADWAY_KINDS: TEST_KINDS,
    HEADWAY_LOG: "error",
  };
  const open = (role: string) => {
    const config = readConfig((name) => name === "HEADWAY_ROLE" ? role : settings[name]);
    return start(config, { kv, inline: true });
  };
  const soon: string[] = [];
  let late = "";
  {
    // It runs none of them, however long this takes.
    await using server = await open("web");
    for (let n = 0; n < 12; n++) {
      // Not so soon that one is due before it is taken in.
      const more = { delay_ms: 3000 + n, priority: n % 3 - 1 };
      soon.push((await submit(server.url, "echo", n, more)).task_id);
    }
    late = (await submit(server.url, "echo", "late", { delay_ms: 3_600_000 })).task_id;
  }
  assertEquals(await takeBack(kv), 13);
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
