/**
 * A scenario: a question in words, which a run on a system answers in figures.
 *
 * @module
 */

import type { Tree } from "./headway.ts";
import type { System } from "./system.ts";

/** One figure of a scenario. */
export interface Column {
  /** Its key in {@link WriteResult.figures}. */
  key: string;
  /** The head of its column, with the unit. */
  label: string;
  /** Digits after the point. @default {0} */
  digits?: number;
}

/** A bound that a figure must keep. */
export interface Target {
  /** The key of the figure. */
  key: string;
  /** The target in words, as "p99 at most 50 ms". */
  says: string;
  /** The system whose figure of the same round divides this one; absent for an absolute bound. */
  to?: string;
  atMost?: number;
  atLeast?: number;
}

/** The options of a run. */
export interface RunOptions {
  /** The factor for the scenario's size, such as its tasks: 1 for figures to quote. */
  scale: number;
  /** Seconds to measure, instead of the scenario's own. */
  seconds?: number;
  /** Makes an empty directory, which is removed after the run. */
  directory(): Promise<string>;
}

/** The result of one run. */
export interface WriteResult {
  /** Figures by the key of their column. */
  figures: Record<string, number>;
  /** Broken promises, in words; empty when every delivery was exact. */
  faults: string[];
}

/** A measurement of systems. */
export interface Scenario {
  /** Its name, for `--only`. */
  name: string;
  /** The question, for the heading. */
  asks: string;
  /** The setups of Headway that it runs on. */
  ours(tree: Tree): readonly System[];
  /** The other systems that it runs on, with `--peers`. */
  peers: readonly System[];
  columns: Column[];
  targets: Target[];
  run(system: System, options: RunOptions): Promise<WriteResult>;
}

/** The systems that a scenario runs on. */
export interface Asked {
  ours: readonly System[];
  /** The same systems of the other checkout, in the same order. */
  before: readonly System[];
  peers: readonly System[];
}

/** A count at this scale, at least 1. */
export function scaled(count: number, { scale }: Pick<RunOptions, "scale">): number {
  return Math.max(1, Math.round(count * scale));
}

/** Seconds to warm up and to measure: a short run also warms up for less time. */
export function timing(
  { seconds }: Pick<RunOptions, "seconds">,
  usual: number,
): { warm: number; measured: number } {
  return seconds === undefined ? { warm: 8, measured: usual } : { warm: 2, measured: seconds };
}
