/**
 * How a task's progress went over time: a few points, stored in its head for whoever looks later.
 * The longer an attempt runs, the further apart they are.
 *
 * @module
 */

import type { TaskRecord } from "./record.ts";

/** Immutable. Times are milliseconds since the epoch. */
export interface Trace {
  /** The least milliseconds between two points. */
  readonly gap: number;
  /** Oldest first. */
  readonly points: readonly TracePoint[];
  /** Oldest first. */
  readonly stages: readonly TraceStage[];
}

/** A time with the percent and the units done then; `null` if unknown. */
export type TracePoint = readonly [at: number, percent: number | null, done: number | null];

/** When a stage began, and its name. */
export type TraceStage = readonly [at: number, name: string];

/** The most points kept: about a kilobyte of a head. */
export const MAX_POINTS = 64;

/** The most stages kept, and the most characters of their names. */
export const MAX_STAGES = 16;
const MAX_NAME = 64;

/** The first `gap`, in milliseconds. It doubles whenever there are too many points. */
const MIN_GAP = 250;

export function newTrace(at: number): Trace {
  return { gap: MIN_GAP, points: [[at, 0, null]], stages: [] };
}

/**
 * Adds a task's progress at a time. Returns the same trace if there is nothing to add yet.
 *
 * @example
 * ```ts
 * import { newTrace, traced } from "./trace.ts";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * const trace = traced(newTrace(0), 1000, { progress: 10, done: 1, stage: "read" });
 * assertEquals(trace.points, [[0, 0, null], [1000, 10, 1]]);
 * assertEquals(trace.stages, [[1000, "read"]]);
 * assertStrictEquals(traced(trace, 1001, { progress: 11, done: 2, stage: "read" }), trace);
 * ```
 */
export function traced(
  trace: Trace,
  at: number,
  { progress, done, stage }: Pick<TaskRecord, "progress" | "done" | "stage">,
): Trace {
  let { gap, points, stages } = trace;
  const name = stage === null ? null : stage.slice(0, MAX_NAME);
  const staged = name !== null && name !== stages.at(-1)?.[1];
  const due = at - (points.at(-1)?.[0] ?? -Infinity) >= gap;
  if (!due && !staged) return trace;
  if (staged) stages = [...stages, [at, name] as const].slice(-MAX_STAGES);
  if (due) {
    points = [...points, [at, progress, done]];
    if (points.length > MAX_POINTS) {
      points = points.filter((_, n) => n % 2 === 0);
      gap *= 2;
    }
  }
  return { gap, points, stages };
}

/** The most bytes that a trace takes in the store. */
export function traceSize(trace: Trace | null): number {
  return trace === null
    ? 0
    : 64 + 40 * trace.points.length + (2 * MAX_NAME + 24) * trace.stages.length;
}
