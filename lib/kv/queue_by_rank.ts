/**
 * The migration from layout 1 to 2: the keys of tasks that wait for a time begin with kind and
 * priority, no longer with the time.
 *
 * @module
 */

import { type Key, keys } from "./keys.ts";

/** Keys moved in one commit, each with a check: KV Connect allows ten. */
const AT_ONCE = 10;

/** See {@link ./migrations.ts Migration}: what it was cut short in, it does again. */
export async function queueByRank(kv: Deno.Kv): Promise<void> {
  // Where another process moves the same ones, a commit may be lost with all it held.
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

/** Keys of layout 1, and what becomes of them. */
async function* misplaced(
  kv: Deno.Kv,
): AsyncGenerator<[from: Deno.KvEntry<unknown>, to: Key]> {
  // `["later", run_at, id]`: numbers, before what sorts behind all of them.
  const laters = kv.list<[string, number]>({ start: ["later", 0], end: ["later", true] });
  for await (const entry of laters) {
    const [, runAt, id] = entry.key as [string, number, string];
    const [kind, priority] = entry.value;
    yield [entry, keys.later(kind, priority, runAt, id)];
  }
  // A priority given as `-0` made a key that its task did not know for its own later on.
  for await (const { key: [, kind] } of kv.list({ prefix: keys.kinds })) {
    for await (const entry of kv.list({ prefix: ["queue", kind!, 0] })) {
      const [, , , runAt, id] = entry.key as [string, string, number, number, string];
      yield [entry, keys.queue(String(kind), 0, runAt, id)];
    }
  }
}
