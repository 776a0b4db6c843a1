import { type Duration, durationMs } from "./duration.ts";
import { requireName } from "./step.ts";
import { YIELD } from "./marker.ts";

/** A yielded sleep. Made by {@link sleep}. */
export interface SleepYield {
  /** Always `"sleep"`. */
  readonly [YIELD]: "sleep";
  /** As the task calls it. */
  readonly name: string;
  /** Milliseconds, or until when. */
  readonly time: number | Date;
}

/**
 * Goes on after some time, or at a time. A task that sleeps for longer than ten seconds is `waiting`:
 * its generator has returned (`finally` blocks run), no process has it, and it starts again from its
 * last checkpoint when the time is over. No attempt is used.
 *
 * The time is counted from when the task first came here, also where it starts again meanwhile.
 *
 * @param name At most 128 characters; once in a run.
 *
 * @throws {TypeError} If the name was used before in this run, or the time is none.
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
