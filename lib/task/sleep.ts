import { type Duration, durationMs } from "./duration.ts";
import { requireName } from "./step.ts";
import { YIELD } from "./marker.ts";

/** A yielded sleep. Made by {@link sleep}. */
export interface SleepYield {
  /** Always `"sleep"`. */
  readonly [YIELD]: "sleep";
  /** The name of the sleep. */
  readonly name: string;
  /** How long, in milliseconds, or until when. */
  readonly time: number | Date;
}

/**
 * Sleeps for a time, or until a date. A task that sleeps for longer than ten seconds is `waiting`:
 * its generator returns (`finally` blocks run), it takes up no task process, and it starts again
 * from its last checkpoint when the time is over. This uses no attempt.
 *
 * The time counts from when the task first came to this sleep, even if it starts again meanwhile.
 *
 * @param name 1 to 128 characters; used once in a run.
 *
 * @throws {TypeError} If the name was used before in this run, or the time is invalid.
 *
 * @example
 * ```ts
 * import { defineTask, sleep } from "headway";
 * import { FakeClock, runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const trial = defineTask({
 *   kind: "trial",
 *   async *run() {
 *     yield* sleep("trial", { days: 14 });
 *     return "over";
 *   },
 * });
 * const clock = new FakeClock("2030-01-01T00:00:00.000Z");
 * await runTask(trial, null, { clock });
 * assertEquals(clock.date.toISOString(), "2030-01-15T00:00:00.000Z");
 * ```
 */
export async function* sleep(
  name: string,
  time: Duration | Date,
): AsyncGenerator<SleepYield, void, void> {
  yield { [YIELD]: "sleep", name: requireName(name), time: timeOf(time) };
}

function timeOf(time: Duration | Date): number | Date {
  if (!(time instanceof Date)) return durationMs(time);
  if (!Number.isNaN(time.getTime())) return time;
  throw new TypeError("Cannot sleep until an invalid Date");
}
