/** The most bytes of JSON of an input, result, output, checkpoint or log row. */
export const MAX_JSON = 48 * 1024;

/** How deep the JSON of clients and tasks may be nested. */
export const MAX_LEVELS = 200;

/** The longest time of a timer, in milliseconds: `setTimeout()` with more fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The longest delay of a task, by its submit or before another attempt, in milliseconds. */
export const MAX_DELAY_MS = 366 * 24 * 3600_000;

/**
 * How far the `seq` of a task's events may run ahead of its stored `seq`. After a process died, its
 * tasks continue above that, so that no id is used twice even if the last ones were never stored.
 */
export const SEQ_GAP = 1000;
