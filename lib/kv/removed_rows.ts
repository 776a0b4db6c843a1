/**
 * The rows of removed tasks: they are more than a commit holds, so they go after the task itself.
 *
 * @module
 */

import { keys } from "./keys.ts";

/** Removes the rows of a task that is gone, and then the mark that says so. */
export async function removeRows(kv: Deno.Kv, id: string): Promise<void> {
  let atomic = kv.atomic();
  let count = 0;
  for await (const { key } of kv.list({ prefix: keys.events(id) })) {
    atomic.delete(key);
    if (++count % 500 === 0) {
      await atomic.commit();
      atomic = kv.atomic();
    }
  }
  await atomic.delete(keys.removed(id)).commit();
}

/** Goes on with removals that were cut short. */
export async function finishRemovals(kv: Deno.Kv): Promise<void> {
  for await (const { key } of kv.list({ prefix: keys.removeds })) {
    await removeRows(kv, String(key[1]));
  }
}
