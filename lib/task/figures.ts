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

/** The task with a report, and how fast it is by now, where something is counted. */
export function withReport(
  task: Task,
  report: Report,
  before: Estimate | undefined,
): { task: Task; estimate: Estimate | undefined } {
  const after = applyReport(task, report);
  const { done, total, progress, stages } = after.record;
  // Where each stage counts for itself, only the whole says when all is done.
  const counted = done !== null && (!stages || progress === null);
  if (!counted && progress === null) return { task: withTrace(after, report.at), estimate: before };
  const goal = counted ? stages ? null : total : 100;
  const pace = estimate(before, report.at, counted ? done : progress!, goal);
  setPace(after, { etaMs: pace.etaMs, rate: stages && !counted ? null : pace.rate });
  return { task: withTrace(after, report.at), estimate: pace };
}

/**
 * The task with how its children do, and how fast they are.
 *
 * @param underWay How much of them those have done that run.
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

/** Writes into a task that nobody else holds yet. */
function setPace({ record }: Task, { rate, etaMs }: Pick<Estimate, "rate" | "etaMs">): void {
  record.rate = rate === null ? null : Math.round(rate * 1000) / 1000;
  record.eta_ms = etaMs === null ? null : Math.round(etaMs);
}

/** Likewise. */
function withTrace(task: Task, at: number): Task {
  task.trace = traced(task.trace ?? newTrace(at), at, task.record);
  return task;
}
