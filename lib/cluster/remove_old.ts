/**
 * Removes finished tasks that are older than they are kept. Many go in one commit, and few enough
 * that what happens meanwhile does not wait for long.
 *
 * @module
 */

import { decodeTime } from "@std/ulid";
import { indexedIn, keys, nameIn } from "../kv/keys.ts";
import { knownKinds } from "../kv/list.ts";
import type { TaskRecord } from "../task/record.ts";
import type { Store } from "../store/store.ts";

/** Tasks removed at once. */
const AT_ONCE = 32;

/**
 * Removes what ended before a time.
 *
 * @param before Milliseconds since the epoch.
 * @param signal Stops it.
 */
export async function removeOld(store: Store, before: number, signal: AbortSignal): Promise<void> {
  for (const kind of await knownKinds(store.kv)) {
    for (const status of ["completed", "failed", "canceled"] as const) {
      let ids: string[] = [];
      let under = Promise.resolve();
      const prefix = keys.indexOf(kind, status);
      for await (const { key } of store.kv.list({ prefix }, { batchSize: 500 })) {
        const id = indexedIn(key);
        // Ids sort by submission, which came before the end: the rest is younger.
        if (decodeTime(id) > before) break;
        ids.push(id);
        if (ids.length < AT_ONCE) continue;
        // These are read while the last ones are on their way to the disk.
        const last = under;
        under = removeThose(store, ids, before);
        // It is awaited later.
        under.catch(() => {});
        ids = [];
        await last;
        if (signal.aborted) break;
      }
      await under;
      if (signal.aborted) return;
      await removeThose(store, ids, before);
    }
  }
}

async function removeThose(store: Store, ids: string[], before: number): Promise<void> {
  const heads = await store.heads.getMany(ids);
  await Promise.all(heads.map(async (head) => {
    if (head.value === null) return;
    const { finished_at } = JSON.parse(head.value.record) as TaskRecord;
    const old = finished_at !== null && Date.parse(finished_at) <= before;
    if (old) await store.remove(nameIn(head.key), { known: head });
  }));
}
