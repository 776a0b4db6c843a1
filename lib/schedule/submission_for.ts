import { readScheduleInput, type StoredSchedule } from "../kv/schedules.ts";
import type { Submission } from "../store/store.ts";
import type { Kind } from "../task/kind.ts";
import { namedUploads } from "../task/named_uploads.ts";

/** The task for a time of a schedule; `slot` is `null` for "run now". */
export async function submissionFor(
  kv: Deno.Kv,
  schedule: StoredSchedule,
  kind: Pick<Kind, "retry" | "timeout" | "notify" | "retention">,
  slot: number | null,
): Promise<Submission> {
  const { id, priority, owner, tags, submitter, inputDigest } = schedule;
  const input = inputDigest === null ? null : await readScheduleInput(kv, id);
  return {
    kind: schedule.kind,
    input,
    named: namedUploads(input),
    priority,
    runAt: slot === null ? 0 : slot + jitterOf(schedule, slot),
    maxAttempts: kind.retry.maxAttempts,
    timeoutMs: kind.timeout,
    retention: kind.retention,
    schedule: { id, slot },
    ...(kind.notify === undefined ? {} : { notify: kind.notify }),
    ...(owner === undefined ? {} : { owner }),
    ...(tags === undefined ? {} : { tags }),
    ...(submitter === undefined ? {} : { submitter }),
  };
}

/** Milliseconds that a task starts after its time: the same, whichever process makes the task. */
export function jitterOf(
  { id, jitter_ms }: Pick<StoredSchedule, "id" | "jitter_ms">,
  slot: number,
): number {
  let hash = 0x811c9dc5;
  for (const letter of `${id} ${slot}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return Math.floor(((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32 * jitter_ms);
}
