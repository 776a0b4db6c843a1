import { keys, nameIn } from "../kv/keys.ts";
import type { Store } from "../store/store.ts";

/**
 * Looks after tasks with children: a process may have died that had the last child end, or the parent,
 * and had yet to see to the other.
 *
 * @param signal Stops it.
 */
export async function sweepParents(store: Store, signal: AbortSignal): Promise<void> {
  for await (const { key } of store.kv.list({ prefix: keys.parents })) {
    if (signal.aborted) return;
    await store.lookAfter(nameIn(key));
  }
}
