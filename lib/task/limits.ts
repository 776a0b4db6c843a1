/** Bytes of JSON: the most an input, result, output, checkpoint or log row may have. */
export const MAX_JSON = 48 * 1024;

/** How deep JSON may be nested, from clients and from tasks. */
export const MAX_LEVELS = 200;

/** Milliseconds: the longest time a timer can be set to. One that is set to more goes off at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds by which a task may be delayed, by its submit or before another attempt. */
export const MAX_DELAY_MS = 366 * 24 * 3600_000;

/**
 * A task's events have a `seq` no further than this above what the store has of it; where a process
 * died, its tasks go on above that. So no id is used twice, though the last ones were never stored.
 */
export const SEQ_GAP = 1000;
