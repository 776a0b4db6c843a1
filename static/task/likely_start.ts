import type { TaskRecord } from "../../lib/task/record.ts";
import { duration } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

/** When a task that waits in line is likely to start, in words; `null` where nobody can tell. */
export function likelyStart(
  { status, run_at }: TaskRecord,
  expected: string | null,
  at: number,
): string | null {
  // One that waits for its time says that time.
  if (status !== "pending" || expected === null || Date.parse(run_at) > at) return null;
  const left = Date.parse(expected) - at;
  return left < 1000 ? strings.likelySoon : strings.likelyIn(duration(left));
}
