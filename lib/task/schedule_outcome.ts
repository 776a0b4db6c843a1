/**
 * The outcomes of a schedule's times: a task, or why there was none.
 *
 * @module
 */

/** Outcomes that a schedule remembers. */
export const MAX_RUNS = 50;

/**
 * Why there was no task for a time: nobody was there, an earlier one's had not ended, too many waited
 * already, it was paused, or its task could not be taken in.
 */
export type SkipReason = "missed" | "overlap" | "full" | "paused" | "refused";

/** Times are milliseconds since the epoch. */
export type ScheduleOutcome =
  /** A task was made: for this time, or for none, as somebody said "run now". */
  | {
    readonly type: "task";
    readonly at: number;
    readonly slot: number | null;
    readonly task: string;
    /** Who said "run now". */
    readonly by?: string;
  }
  /** All times from one to another were skipped. */
  | {
    readonly type: "skip";
    readonly at: number;
    readonly from: number;
    readonly to: number;
    /** How many there were. */
    readonly count: number;
    /** They were more, which nobody has counted. */
    readonly more?: true;
    readonly reason: SkipReason;
    /** The time whose task had not ended; absent where that was one of "run now", and for other reasons. */
    readonly run?: number;
    /** What it was refused for. */
    readonly why?: string;
  };
