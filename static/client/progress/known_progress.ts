import type { TaskRecord } from "../client.d.ts";

export type ProgressRecord = Pick<TaskRecord, "status" | "progress" | "done" | "total" | "stages">;

/**
 * The percent to show; `null` while unknown. A task that has reported no progress is not at 0 %.
 * One that completed with `done` below `total` is not at 100 %.
 */
export function knownProgress(record: ProgressRecord): number | null {
  const { status, progress, done, total, stages } = record;
  const counted = progress !== 0 || done !== null || total !== null || stages !== undefined;
  if (status !== "completed" && !counted) return null;
  if (status !== "completed" || stages || done === null || total === null) return progress;
  return total > 0 && done < total ? 100 * (done / total) : progress;
}
