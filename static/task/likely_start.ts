import type { TaskRecord } from "../../lib/task/record.ts";
import { duration } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

/** When a queued task is likely to start, in words; `null` if not known. */
export function likelyStart(
  { status, run_at }: TaskRecord,
  expected: string | null,
  at: number,
): string | null {
  // For a scheduled task the page shows its time instead.
  if (status !== "pending" || expected === null || Date.parse(run_at) > at) return null;
  const left = Date.parse(expected) - at;
  return left < 1000 ? strings.likelySoon : strings.likelyIn(duration(left));
}
