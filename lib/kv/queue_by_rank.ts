/**
 * The migration from layout 1 to 2: the keys of tasks that wait for a time begin with kind and
 * priority, no longer with the time.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";

/** Keys moved in one commit, each with a check: KV Connect allows ten. */
const AT_ONCE = 10;

/** A {@link ./migrations.ts Migration}: run again, it goes on where it was interrupted. */
export async function queueByRank(kv: Deno.Kv): Promise<void> {
  // If another process moves some of the same keys, a commit fails with all it held: look again.
  while (await movedSome(kv));
}

async function movedSome(kv: Deno.Kv): Promise<boolean> {
  let atomic = kv.atomic();
  let count = 0;
  for await (const [{ key, versionstamp }, to] of misplaced(kv)) {
    atomic.check({ key, versionstamp }).delete(key).set(to, null);
    if (++count % AT_ONCE > 0) continue;
    await atomic.commit();
    atomic = kv.atomic();
  }
  if (count % AT_ONCE > 0) await atomic.commit();
  return count > 0;
}

/** The entries of layout 1 that have to move, and their new keys. */
async function* misplaced(
  kv: Deno.Kv,
): AsyncGenerator<[from: Deno.KvEntry<unknown>, to: Key]> {
  // `["later", run_at, id]`: all numbers, which sort before `true` and after the kinds of layout 2.
  const laters = kv.list<[string, number]>({ start: ["later", 0], end: ["later", true] });
  for await (const entry of laters) {
    const [, runAt, id] = entry.key as [string, number, string];
    const [kind, priority] = entry.value;
    yield [entry, keys.later(kind, priority, runAt, id)];
  }
  // A priority given as `-0` made a key that its task could not find later on.
  for await (const { key: [, kind] } of kv.list({ prefix: keys.kinds })) {
    for await (const entry of kv.list({ prefix: ["queue", kind!, 0] })) {
      const [, , , runAt, id] = entry.key as [string, string, number, number, string];
      yield [entry, keys.queue(String(kind), 0, runAt, id)];
    }
  }
}
