/**
 * The outcomes of a schedule's times: a task, or why there was none.
 *
 * @module
 */

/** The most outcomes that a schedule remembers. */
export const MAX_RUNS = 50;

/**
 * Why there was no task for a time: no process ran (`missed`), the task of an earlier time had not
 * ended, too many times waited already, the schedule was paused, or the submit was refused.
 */
export type SkipReason = "missed" | "overlap" | "full" | "paused" | "refused";

/** Times are milliseconds since the epoch. */
export type ScheduleOutcome =
  /** A task was made for the time `slot`, or by "run now", with `null`. */
  | {
    readonly type: "task";
    readonly at: number;
    readonly slot: number | null;
    readonly task: string;
    /** Who said "run now". */
    readonly by?: string;
  }
  /** All times from `from` to `to` were skipped. */
  | {
    readonly type: "skip";
    readonly at: number;
    readonly from: number;
    readonly to: number;
    /** How many times were skipped. */
    readonly count: number;
    /** Set if there were more than `count`: the rest was not counted. */
    readonly more?: true;
    readonly reason: SkipReason;
    /** The time whose task had not ended; absent for a task of "run now", and for other reasons. */
    readonly run?: number;
    /** Why the submit was refused. */
    readonly why?: string;
  };
