import { keys, signalIn } from "../kv/keys.ts";
import type { Store } from "../store/store.ts";
import { statusOf } from "../task/json_text.ts";

/**
 * Wakes tasks whose signal came just as a process died, and removes signals that nobody will take.
 * Those of a failed task are kept, as it may be retried.
 *
 * @param signal Stops the sweep.
 */
export async function sweepSignals(store: Store, signal: AbortSignal): Promise<void> {
  const { kv, heads } = store;
  for await (const { key, versionstamp } of kv.list({ prefix: keys.signals })) {
    if (signal.aborted) return;
    const { id } = signalIn(key);
    const head = await heads.get(id);
    const status = head === null ? "gone" : statusOf(head.record);
    if (status === "waiting") await store.wake(id);
    if (status !== "gone" && status !== "completed" && status !== "canceled") continue;
    await kv.atomic().check({ key, versionstamp }).delete(key).commit();
  }
}
