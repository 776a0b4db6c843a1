/**
 * Stages that are counted one by one: each has a bar of its own. A task has them if its definition
 * names them with their weights, or once a second stage starts to count from its beginning. Until
 * then a stage is only a name for what goes on, and one count goes through all of them.
 *
 * @module
 */

import type { StageProgress, TaskRecord } from "./record.ts";
import type { Report } from "./report.ts";
import { brief } from "./text.ts";

/** The most stages of a task, and the most characters of a name. */
export const MAX_STAGES = 20;
export const MAX_STAGE_NAME = 64;

/** Percent, rounded to two places; 100 only if all is done. */
export function percentOf(done: number, total: number): number {
  return rounded(100 * (done / total));
}

/** The highest percent before all is done. */
export const NEARLY_DONE = 99.99;

/** Percent as a record has it: two places, and below 100 until all is done. */
export function rounded(percent: number): number {
  return percent >= 100 ? 100 : Math.min(NEARLY_DONE, Math.round(percent * 100) / 100);
}

/** The figures of a record that a report changes. */
export type Figures = Pick<TaskRecord, "done" | "total" | "unit" | "progress"> & {
  stages: readonly StageProgress[];
};

/**
 * The figures after a report, if each stage of the task is counted by itself; `null` otherwise.
 *
 * @param countedIn The stage in which the record's figures were counted; `null` for none.
 */
export function stagedFigures(
  record: TaskRecord,
  report: Report,
  countedIn: string | null,
): Figures | null {
  let stages = record.stages;
  if (report.stages) stages = declared(stages ?? [], report.stages);
  else if (!stages && startsOver(record, report, countedIn)) stages = begun(record, countedIn);
  if (!stages) return null;
  const name = report.stage ?? record.stage;
  if (name === null) {
    const { done = record.done, total = record.total, unit = record.unit, progress } = report;
    return { done, total, unit, progress: progress ?? overall(stages), stages };
  }
  if (report.stage !== undefined && record.stage !== null && record.stage !== report.stage) {
    stages = left(stages, nameOf(record.stage));
  }
  const stage = stageAfter(stages.find((it) => it.name === nameOf(name)), nameOf(name), report);
  stages = put(stages, stage);
  const { done, total } = stage;
  const unit = report.unit ??
    (report.stage === undefined || report.stage === record.stage ? record.unit : null);
  return { done, total, unit, progress: overall(stages), stages };
}

function nameOf(stage: string): string {
  return brief(stage, MAX_STAGE_NAME);
}

/** Whether another stage than `countedIn` begins to count from its start. */
function startsOver(record: TaskRecord, report: Report, countedIn: string | null): boolean {
  const stage = report.stage ?? record.stage;
  if (stage === null || stage === countedIn) return false;
  const { done, total, progress } = record;
  if (report.done !== undefined && done !== null && report.done < done) return true;
  if (report.total !== undefined && total !== null && report.total !== total) return true;
  return done === null && typeof report.progress === "number" && (progress ?? 0) > report.progress;
}

function begun({ done, total, progress }: TaskRecord, countedIn: string | null): StageProgress[] {
  return countedIn === null ? [] : [{ name: nameOf(countedIn), done, total, progress }];
}

function declared(
  stages: readonly StageProgress[],
  weights: readonly (readonly [name: string, weight: number])[],
): StageProgress[] {
  const named = weights.map(([name, weight]) => {
    const { done = null, total = null, progress = null } = stages.find((stage) =>
      stage.name === name
    ) ?? {};
    return { name, weight, done, total, progress };
  });
  return [...named, ...stages.filter(({ name }) => !weights.some(([other]) => other === name))];
}

function stageAfter(
  before: StageProgress | undefined,
  name: string,
  report: Report,
): StageProgress {
  const stage = before ?? { name, done: null, total: null, progress: null };
  const { done = stage.done, total = stage.total } = report;
  let { progress } = stage;
  if (report.progress !== undefined) progress = report.progress;
  else if (total) progress = percentOf(done ?? 0, total);
  else if (report.done !== undefined || report.total !== undefined) progress = null;
  // As for the whole task, percent never falls.
  if (progress !== null) progress = rounded(Math.max(progress, stage.progress ?? 0));
  return { ...stage, done, total, progress };
}

/** A declared stage without progress of its own counts as done when the next one begins. */
function left(stages: readonly StageProgress[], name: string): readonly StageProgress[] {
  const stage = stages.find((it) => it.name === name);
  if (!stage || stage.weight === undefined || stage.progress !== null) return stages;
  return put(stages, { ...stage, progress: 100 });
}

function put(stages: readonly StageProgress[], stage: StageProgress): readonly StageProgress[] {
  const at = stages.findIndex(({ name }) => name === stage.name);
  if (at >= 0) return stages.with(at, stage);
  const oldest = stages.length < MAX_STAGES
    ? -1
    : stages.findIndex((it) => it.weight === undefined);
  const kept = oldest < 0 ? stages.slice(0, MAX_STAGES - 1) : stages.toSpliced(oldest, 1);
  return [...(stages.length < MAX_STAGES ? stages : kept), stage];
}

/** The percent of the whole by the stages' weights; `null` if no stage has a weight. */
function overall(stages: readonly StageProgress[]): number | null {
  let weights = 0;
  let sum = 0;
  for (const { weight = 0, progress } of stages) {
    weights += weight;
    sum += weight * (progress ?? 0);
  }
  return weights === 0 ? null : rounded(sum / weights);
}
