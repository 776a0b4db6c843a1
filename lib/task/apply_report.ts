/**
 * Changes of a task's record that leave its state alone: of its figures, and of how long it is
 * kept.
 *
 * @module
 */

import { onlyLabels } from "./labels.ts";
import type { ChildCounts } from "./record.ts";
import { withField } from "./record_fields.ts";
import type { Report } from "./report.ts";
import type { Keep } from "./retention.ts";
import { NEARLY_DONE, percentOf, rounded, stagedFigures } from "./stages.ts";
import type { Task } from "./task.ts";
import { cut } from "./text.ts";

/** Puts a progress report into a running task. Percent never falls within an attempt. */
export function applyReport(task: Task, report: Report): Task {
  const { at, progress, stages: _, ...fields } = report;
  const updated_at = new Date(at).toISOString();
  const figures = stagedFigures(task.record, report, task.countedIn ?? null);
  let record = { ...task.record, ...fields, updated_at };
  let { countedIn = null } = task;
  if (figures) {
    record = withField({ ...record, ...figures }, "stages", figures.stages);
  } else if (progress !== undefined) {
    record.progress = progress;
    countedIn = record.stage;
  } else if (report.done !== undefined || report.total !== undefined) {
    const { done, total } = record;
    // A total of 0 gives no percent: it may still be counted.
    record.progress = total ? percentOf(done ?? 0, total) : null;
    countedIn = record.stage;
  }
  let { peak } = task;
  if (record.progress !== null) {
    const floor = Math.max(peak, task.record.progress ?? 0);
    peak = rounded(Math.max(floor, record.progress));
    record.progress = peak;
  }
  return { ...task, record, countedIn, peak };
}

/** Sets how long a task is kept after its end; `undefined` for what its kind and the settings say. */
export function applyKeep(task: Task, keep: Keep | undefined): Task {
  return { ...task, record: withField(task.record, "keep", keep) };
}

/**
 * Sets the counts of a task's children, and its own figures from them.
 *
 * @param underWay How many children's work the running ones have done: two that are half done make 1.
 */
export function applyChildren(
  task: Task,
  children: ChildCounts,
  now: number,
  underWay = 0,
): Task {
  const { total, completed, failed, canceled } = children;
  const done = completed + failed + canceled;
  // A child that shows 100 percent has not ended yet, and may still be retried.
  const sofar = Math.min(NEARLY_DONE, percentOf(done + underWay, total));
  const progress = underWay > 0 ? { progress: sofar } : {};
  const counted = applyReport(task, { at: now, done, total, unit: "tasks", ...progress });
  return { ...counted, record: withField(counted.record, "children", children) };
}

/** With more characters of labels than the first, a message is cut to the second. */
const FEW_LABELS = 256;
const SHORT_MESSAGE = 256;

/** A task with a smaller record, without stages, so that it fits into a commit with a large result. */
export function withRoom(task: Task): Task {
  let { record } = task;
  if (record.stages) record = withField(record, "stages", undefined);
  const { message } = record;
  if (message !== null && JSON.stringify(onlyLabels(record)).length > FEW_LABELS) {
    record = { ...record, message: cut(message, SHORT_MESSAGE) };
  }
  return record === task.record ? task : { ...task, record };
}
