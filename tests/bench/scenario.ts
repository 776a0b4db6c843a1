/**
 * What a scenario is: a written question, asked of a system, answered in figures.
 *
 * @module
 */

import type { Tree } from "./headway.ts";
import type { System } from "./system.ts";

/** One figure of a scenario. */
export interface Column {
  /** Names it in {@link WriteResult.figures}. */
  key: string;
  /** The head of its column, with the unit. */
  label: string;
  /** Digits after the point. @default {0} */
  digits?: number;
}

/** What must hold. */
export interface Target {
  /** The figure. */
  key: string;
  /** What is asked, in words, as "p99 at most 50 ms". */
  says: string;
  /** The name of the system whose figure of the same round it is divided by; none: the figure itself. */
  to?: string;
  /** The bound. */
  atMost?: number;
  atLeast?: number;
}

/** What a scenario is run with. */
export interface RunOptions {
  /** The share of the scenario's size, as of its tasks: 1 for figures to quote. */
  scale: number;
  /** Measure for so long instead of the scenario's own time. */
  seconds?: number;
  /** Makes an empty directory, removed when the run is over. */
  directory(): Promise<string>;
}

/** What came of one run. */
export interface WriteResult {
  /** By the key of the column. */
  figures: Record<string, number>;
  /** Broken promises, in words; empty when every delivery was exact. */
  faults: string[];
}

/** A question to ask of a system. */
export interface Scenario {
  /** For `--only`. */
  name: string;
  /** The question, for the heading. */
  asks: string;
  /** Headway, or the ways in which it is set up here. */
  ours(tree: Tree): readonly System[];
  /** What else it is asked of, with `--peers`. */
  peers: readonly System[];
  columns: Column[];
  targets: Target[];
  run(system: System, options: RunOptions): Promise<WriteResult>;
}

/** The systems that a scenario is asked of in one run. */
export interface Asked {
  ours: readonly System[];
  /** The same of another checkout, in the same order. */
  before: readonly System[];
  peers: readonly System[];
}

/** So many of something at this scale, at least one. */
export function scaled(count: number, { scale }: Pick<RunOptions, "scale">): number {
  return Math.max(1, Math.round(count * scale));
}

/** Seconds that pass before the measured ones, and those: a look at it warms up for less. */
export function timing(
  { seconds }: Pick<RunOptions, "seconds">,
  usual: number,
): { warm: number; measured: number } {
  return seconds === undefined ? { warm: 8, measured: usual } : { warm: 2, measured: seconds };
}
