/**
 * Puts a report into a running task: into its record, its rate and time left, and its trace.
 *
 * @module
 */

import { applyChildren, applyReport } from "./apply_report.ts";
import { type Estimate, estimate } from "./eta.ts";
import type { ChildCounts } from "./record.ts";
import type { Report } from "./report.ts";
import type { Task } from "./task.ts";
import { newTrace, traced } from "./trace.ts";

/** The task with a report, and with a new rate and time left if it counts anything. */
export function withReport(
  task: Task,
  report: Report,
  before: Estimate | undefined,
): { task: Task; estimate: Estimate | undefined } {
  const after = applyReport(task, report);
  const { done, total, progress, stages } = after.record;
  // If each stage is counted by itself, only the overall percent tells when all is done.
  const counted = done !== null && (!stages || progress === null);
  if (!counted && progress === null) return { task: withTrace(after, report.at), estimate: before };
  const goal = counted ? stages ? null : total : 100;
  const pace = estimate(before, report.at, counted ? done : progress!, goal);
  setPace(after, { etaMs: pace.etaMs, rate: stages && !counted ? null : pace.rate });
  return { task: withTrace(after, report.at), estimate: pace };
}

/**
 * The task with the counts and the pace of its children.
 *
 * @param underWay As in {@link applyChildren}.
 */
export function withChildren(
  task: Task,
  children: ChildCounts,
  pace: Pick<Estimate, "rate" | "etaMs">,
  now: number,
  underWay: number,
): Task {
  const after = applyChildren(task, children, now, underWay);
  setPace(after, pace);
  return withTrace(after, now);
}

/** Changes the task in place: it was just made, and nobody else holds it yet. */
function setPace({ record }: Task, { rate, etaMs }: Pick<Estimate, "rate" | "etaMs">): void {
  record.rate = rate === null ? null : Math.round(rate * 1000) / 1000;
  record.eta_ms = etaMs === null ? null : Math.round(etaMs);
}

/** Changes the task in place, as {@link setPace} does. */
function withTrace(task: Task, at: number): Task {
  task.trace = traced(task.trace ?? newTrace(at), at, task.record);
  return task;
}
