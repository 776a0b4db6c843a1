import type { Heads } from "../lib/kv/heads.ts";
import { expectedWait } from "../lib/task/expected_start.ts";
import { type TaskRecord, waits } from "../lib/task/record.ts";

/** Finished tasks that the estimate is made from, and the most running ones with which it is made. */
const FINISHED = 20;
const RUNNING = 100;

/**
 * When a pending task will start, as far as its kind's queue and its newest tasks tell; `null` where
 * they do not.
 *
 * @param at Its place in the queue, `null` for one not yet due, and how far places are counted.
 */
export async function expectedStart(
  heads: Heads,
  record: TaskRecord,
  now: number,
  at: { position: number | null; most: number },
): Promise<string | null> {
  const runAt = waits(record) ? Math.max(now, Date.parse(record.run_at)) : now;
  const position = at.position ?? await heads.queuePosition(record, runAt, at.most);
  if (position === null || position > at.most) return null;
  // Whether there is a place then, nobody knows yet.
  if (runAt > now && position === 1) return new Date(runAt).toISOString();
  const kinds = [record.kind];
  const [finished, running] = await Promise.all([
    heads.list({ kinds, statuses: ["completed", "failed"], limit: FINISHED }),
    heads.list({ kinds, statuses: ["running"], limit: RUNNING }),
  ]);
  if (running.next !== null) return null;
  const wait = expectedWait(position, {
    took: finished.records.flatMap((json) => timeOf(json, now)),
    // Of another key none makes room for it.
    running: running.records.filter((json) => keyOf(JSON.parse(json)) === keyOf(record))
      .flatMap((json) => timeOf(json, now)),
  });
  return wait === null ? null : new Date(Math.max(runAt, now + wait)).toISOString();
}

function keyOf({ keys }: TaskRecord): string | undefined {
  return keys?.concurrency;
}

/** How long a task ran, or runs by now; none for one that never did. */
function timeOf(json: string, now: number): number[] {
  const { started_at, finished_at } = JSON.parse(json) as TaskRecord;
  if (started_at === null) return [];
  return [(finished_at === null ? now : Date.parse(finished_at)) - Date.parse(started_at)];
}
