import { log, type LogYield } from "../task/yield.ts";
import { errorOf } from "../task/task_error.ts";

/** Names of errors that only say that something was told to stop. */
const STOPPED = /abort|cancel/i;

/**
 * A log row for what a run threw after it was asked to stop: its end does not tell of it, and something
 * may be left behind. `null` if the error only says that it stops.
 */
export function cleanUpFailure(thrown: unknown, signal: AbortSignal): LogYield | null {
  if (thrown === signal.reason) return null;
  const { error } = errorOf(thrown);
  for (let at: typeof error | undefined = error; at !== undefined; at = at.cause) {
    if (STOPPED.test(`${at.name} ${at.code ?? ""}`)) return null;
  }
  return log(`The task threw while it stopped: ${error.message}`, { level: "warn", error: thrown });
}
