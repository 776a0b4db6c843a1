import { rateNameOf, slotNameOf } from "../lib/runner/start_limits.ts";
import type { TaskRecord } from "../lib/task/record.ts";
import type { App } from "./app.ts";
import { knownKindOf } from "./kinds.ts";
import { shownPause } from "./paused_kinds.ts";

/**
 * What keeps a pending task from starting, besides the tasks before it: its kind is paused, its
 * debounce has not ended, its kind or key has no free slot, or the rate allows no start now. `null`
 * for nothing.
 *
 * @param expected When the task is likely to start, if that is known.
 */
export async function waitsFor(
  app: App,
  record: TaskRecord,
  { inside, now, expected }: { inside: boolean; now: number; expected: string | null },
) {
  const pause = app.engine.pauses.get(record.kind);
  if (pause) return { type: "pause", ...shownPause(pause, inside) };
  const kind = await knownKindOf(app, record.kind);
  const { debounce } = record.keys ?? {};
  if (debounce !== undefined && record.attempt === 0 && Date.parse(record.run_at) > now) {
    return { type: "debounce", key: debounce, until: record.run_at };
  }
  // One that is delayed says its time.
  if (!kind || Date.parse(record.run_at) > now) return null;
  const { runner } = app.engine;
  const slotName = slotNameOf(kind, record.keys);
  const limit = kind.concurrency;
  if (slotName !== null && limit !== null) {
    const running = runner?.countSlots(slotName) ?? await app.slots.taken(slotName, limit);
    const key = kind.keyed ? record.keys?.concurrency ?? null : null;
    if (running >= limit) return { type: "concurrency", key, running, limit, until: expected };
  }
  const rateName = rateNameOf(kind, record.keys);
  if (rateName === null || !kind.rate) return null;
  const { limit: starts, perMs, keyed } = kind.rate;
  const freeAt = await app.slots.rateFreeAt(rateName, kind.rate, now);
  if (freeAt === null) return null;
  const key = keyed ? record.keys?.rate ?? null : null;
  const until = new Date(freeAt).toISOString();
  return { type: "rate", key, limit: starts, per_ms: perMs, until };
}
