/**
 * Removes the rows, answers, groups of children and deliveries of removed tasks. If there are only
 * a few rows, they go in the commit that removes the task; otherwise after it, a little at a time.
 *
 * @module
 */

import { removeDeliveries } from "./deliveries.ts";
import { type Key, keys, nameIn } from "./keys.ts";

/** Most values of rows that are removed in one commit with their task. */
const FEW = 16;

/** Most bytes of them: a large value is a chain of pages to free, and the commit has other tasks. */
const FEW_BYTES = 64 * 1024;

/** Bytes of rows removed in one commit, about: every other commit waits for it. */
const BYTES_A_COMMIT = 1024 * 1024;

/** Keys removed in one commit, at most. */
const KEYS_A_COMMIT = 200;

/**
 * The keys of a task's rows, if they are few.
 *
 * @param bytes What the rows are known to take.
 * @returns `null` if they should not all be removed in one commit.
 */
export async function fewRows(kv: Deno.Kv, id: string, bytes: number): Promise<Key[] | null> {
  if (bytes > FEW_BYTES) return null;
  const selector = { prefix: keys.events(id) };
  const limit = FEW + 1;
  const found = await Array.fromAsync(kv.list<Uint8Array>(selector, { limit, batchSize: limit }));
  const size = found.reduce((sum, { value }) => sum + value.length, 0);
  return found.length > FEW || size > FEW_BYTES ? null : found.map(({ key }) => key);
}

/** Bytes counted for a value that is not a byte array. */
const SMALL = 64;

/** Removes what belongs to a removed task, and then its `removed` key. */
export async function removeRows(kv: Deno.Kv, id: string): Promise<void> {
  let atomic = kv.atomic();
  let count = 0;
  let bytes = 0;
  for (const prefix of [keys.events(id), keys.answers(id), keys.signalsOf(id), keys.groups(id)]) {
    for await (const { key, value } of kv.list({ prefix }, { batchSize: FEW })) {
      atomic.delete(key);
      count++;
      bytes += value instanceof Uint8Array ? value.length : SMALL;
      if (count < KEYS_A_COMMIT && bytes < BYTES_A_COMMIT) continue;
      await atomic.commit();
      atomic = kv.atomic();
      count = bytes = 0;
    }
  }
  await removeDeliveries(kv, id);
  await atomic.delete(keys.removed(id)).commit();
}

/** Goes on with removals that were interrupted. */
export async function finishRemovals(kv: Deno.Kv): Promise<void> {
  for await (const { key } of kv.list({ prefix: keys.removeds })) {
    await removeRows(kv, nameIn(key));
  }
}
