/**
 * Checks that the keys of a store agree with one another.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { history } from "../../lib/kv/history.ts";
import { keys, keyText } from "../../lib/kv/keys.ts";
import { rankKey, rankOf } from "../../lib/kv/rank.ts";
import { isFinished, type TaskRecord } from "../../lib/task/record.ts";
import type { Head } from "../../lib/kv/head.ts";

/**
 * Asserts that heads, index, queue and rows agree about every task.
 *
 * @returns The records.
 */
export async function assertConsistent(kv: Deno.Kv): Promise<TaskRecord[]> {
  const keysUnder = async (prefix: Deno.KvKey) =>
    (await Array.fromAsync(kv.list({ prefix }), ({ key }) => keyText(key))).sort();
  const records: TaskRecord[] = [];
  const index: string[] = [];
  const waiting: string[] = [];
  for await (const { key, value } of kv.list<Head>({ prefix: keys.tasks })) {
    const record = JSON.parse(value.record) as TaskRecord;
    const { task_id: id, kind, status, seq } = record;
    assertEquals(keyText(key), keyText(keys.task(id)));
    records.push(record);
    index.push(keyText(keys.index(kind, status, id)));
    if (status === "pending") waiting.push(keyText(rankKey(rankOf(record))));
    assertEquals(value.owner === null, status !== "running", `${id} is ${status}`);
    let last = 0;
    let type = "";
    for await (const rows of history(kv, id, 0)) {
      for (const row of rows) {
        assert(row.seq > last, `${id}: row ${row.seq} comes after ${last}`);
        [last, type] = [row.seq, row.type];
      }
    }
    assertLessOrEqual(last, seq, id);
    if (isFinished(status)) assertEquals([last, type], [seq, "complete"], id);
  }
  assertEquals(await keysUnder(["index"]), index.sort());
  const queued = [...await keysUnder(["queue"]), ...await keysUnder(keys.laters)];
  assertEquals(queued.sort(), waiting.sort());
  return records;
}
