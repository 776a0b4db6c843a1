import { keys, nameIn } from "../kv/keys.ts";
import type { Store } from "../store/store.ts";

/**
 * Looks after all tasks with children: a process may have died after the end of a last child or of a
 * parent was stored, but before it looked after the family.
 *
 * @param signal Stops the sweep.
 */
export async function sweepParents(store: Store, signal: AbortSignal): Promise<void> {
  for await (const { key } of store.kv.list({ prefix: keys.parents })) {
    if (signal.aborted) return;
    await store.lookAfter(nameIn(key));
  }
}
