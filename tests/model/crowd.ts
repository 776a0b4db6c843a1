/**
 * A store with far more tasks that wait for a time than a server holds in memory. Some histories
 * begin with it: nothing of it may be felt before it is due, and little after.
 *
 * @module
 */

import { createLogger } from "../../lib/base/log.ts";
import { openSchema } from "../../lib/kv/migrations.ts";
import { Store } from "../../lib/store/store.ts";

/** How many there are. */
const COUNT = 12_000;

/** Milliseconds until the first is due: one jump of the clock, and the others do not reach it. */
const DUE_MS = 20 * 3600_000;

/** Makes it, in a new file. */
export async function makeCrowd(file: string): Promise<void> {
  using kv = await Deno.openKv(file);
  await openSchema(kv);
  const store = new Store({ kv, sid: "crowd", log: createLogger({ level: "off" }) });
  const due = Date.now() + DUE_MS;
  const submit = (n: number) =>
    store.submit({
      kind: "model-crowd",
      input: null,
      // Behind all others, once they are due.
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
