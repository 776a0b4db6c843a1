/**
 * What a scenario is: a written question, asked of a system, answered in figures.
 *
 * @module
 */

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
  /** Against the peer of the same round, or the figure itself. */
  of: "ratio" | "figure";
  /** The bound. */
  atMost?: number;
  atLeast?: number;
}

/** What a scenario is run with. */
export interface RunOptions {
  /** Shorter and smaller: shows that everything works, no figures to quote. */
  quick: boolean;
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
  /** Whether the peer can be asked too. */
  peers: boolean;
  /** What it is asked of, instead of Headway and its peer; none where they cannot be had here. */
  systems?: readonly System[];
  columns: Column[];
  targets: Target[];
  run(system: System, options: RunOptions): Promise<WriteResult>;
}
