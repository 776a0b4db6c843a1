/**
 * A store with far more delayed tasks than a server holds in memory. Some histories begin with it: it
 * must not affect other tasks before it is due, and hardly afterwards.
 *
 * @module
 */

import { createLogger } from "../../lib/base/log.ts";
import { openSchema } from "../../lib/kv/migrations.ts";
import { Store } from "../../lib/store/store.ts";

/** Tasks in the crowd. */
const COUNT = 12_000;

/** Milliseconds until the first task is due: only the longest jump of the clock reaches it. */
const DUE_MS = 20 * 3600_000;

/** Makes the store, in a new file. */
export async function makeCrowd(file: string): Promise<void> {
  using kv = await Deno.openKv(file);
  await openSchema(kv);
  const store = new Store({ kv, sid: "crowd", log: createLogger({ level: "off" }) });
  const due = Date.now() + DUE_MS;
  const submit = (n: number) =>
    store.submit({
      kind: "model-crowd",
      input: null,
      // Once due, they come after all other tasks.
      priority: -100 + n % 3,
      runAt: due + n * 100,
      maxAttempts: 1,
      timeoutMs: null,
    });
  for (let n = 0; n < COUNT; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, of) => submit(n + of)));
  }
  await store.journal.close();
  store[Symbol.dispose]();
}
