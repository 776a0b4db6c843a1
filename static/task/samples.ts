/**
 * The progress of a task over time: a bounded number of points, further apart the longer the task
 * runs, and always the first and the newest.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Percent; `null` while the total is unknown. */
  readonly percent: number | null;
  /** Units done, where they are counted. */
  readonly done: number | null;
}

export interface Stage {
  readonly name: string;
  /** When it was first seen, in milliseconds since the epoch. */
  readonly from: number;
}

/** Never changed, only replaced. */
export interface Samples {
  /** The attempt that they are of: another one starts over. */
  readonly attempt: number;
  /** Milliseconds between two points at least; the newest may be closer. */
  readonly gap: number;
  /** Oldest first. */
  readonly points: readonly Sample[];
  /** Oldest first. */
  readonly stages: readonly Stage[];
}

/** The points that the server has kept, as in `GET /tasks/{id}/details`. */
export interface Trace {
  attempt: number;
  /** Milliseconds since the epoch, percent, units done. */
  points: [at: number, percent: number | null, done: number | null][];
  /** When each stage began, and its name. */
  stages: [at: number, name: string][];
}

/** Points kept at most. */
export const MAX_POINTS = 240;

/** Stages kept at most, and characters of their names kept, as on the server. */
export const MAX_STAGES = 16;
const MAX_NAME = 64;

/** The first {@link Samples.gap}. It doubles when there are too many points. */
const MIN_GAP = 100;

export const NO_SAMPLES: Samples = {
  attempt: 0,
  gap: MIN_GAP,
  points: [],
  stages: [],
};

/** Adds the progress of a record. */
export function addSample(samples: Samples, record: TaskRecord): Samples {
  const { attempt, status, progress: percent, done, stage, updated_at } = record;
  if (attempt === 0) return NO_SAMPLES;
  const at = Date.parse(updated_at);
  const known = samples.attempt === attempt ? samples : { ...NO_SAMPLES, attempt };
  const last = known.points.at(-1);
  if (status === "pending" || (last !== undefined && at < last.at)) return samples;
  const points = [...known.points];
  const before = points.at(-2);
  const near = before !== undefined && last !== undefined && at - before.at < known.gap;
  if (near || last?.at === at) points.pop();
  points.push({ at, percent, done });
  return { ...known, ...thinned(points, known.gap), stages: addStage(known.stages, stage, at) };
}

/** Fills the gaps in what the page has seen with the server's trace. */
export function withTrace(samples: Samples, { attempt, points, stages }: Trace): Samples {
  if (samples.attempt !== attempt) return samples;
  const { gap } = samples;
  const all: Sample[] = [];
  let n = 0;
  for (const point of [...samples.points, undefined]) {
    for (; n < points.length && points[n]![0] < (point?.at ?? Infinity); n++) {
      const [at, percent, done] = points[n]!;
      if (at - (all.at(-1)?.at ?? -Infinity) < gap || (point?.at ?? Infinity) - at < gap) continue;
      all.push({ at, percent, done });
    }
    if (point !== undefined) all.push(point);
  }
  const named = [...samples.stages, ...stages.map(([from, name]) => ({ from, name }))]
    .sort((one, other) => one.from - other.from)
    .reduce<Stage[]>((known, { name, from }) => addStage(known, name, from), []);
  if (all.length === samples.points.length && named.length === samples.stages.length) {
    return samples;
  }
  return { ...samples, ...thinned(all, gap), stages: named };
}

function thinned(all: Sample[], before: number): { points: Sample[]; gap: number } {
  let points = all;
  let gap = before;
  while (points.length > MAX_POINTS) {
    points = points.filter((_, n) => n % 2 === 0 || n === points.length - 1);
    gap *= 2;
  }
  return { points, gap };
}

function addStage(stages: readonly Stage[], stage: string | null, from: number): Stage[] {
  const all = [...stages];
  const name = stage?.slice(0, MAX_NAME);
  if (name !== undefined && name !== all.at(-1)?.name) all.push({ name, from });
  return all.slice(-MAX_STAGES);
}
