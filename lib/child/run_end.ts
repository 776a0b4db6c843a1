/**
 * How a run ended, as the task process tells the server.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { keepFile } from "../task/artifact.ts";
import { MAX_RESULT, RESULT_NAME } from "../task/artifact_list.ts";
import { isFinal } from "../task/final_error.ts";
import { MAX_VALUE, toJson } from "../task/json_value.ts";
import { errorOf } from "../task/task_error.ts";
import type { ArtifactYield } from "../task/yield.ts";
import { keepThrown, thrownIn } from "./error_hook.ts";
import type { RunEnd, StopReason } from "./protocol.ts";

const RESULT = { what: "the task's return", root: "result", most: MAX_RESULT };

/** The end of a run that returned. A result too large for the record becomes an artifact. */
export async function returned(
  result: unknown,
  take: (part: ArtifactYield) => Promise<void>,
): Promise<RunEnd> {
  let json: string | null;
  try {
    json = result === undefined ? null : toJson(result, RESULT);
  } catch (error) {
    // Another attempt would return the same.
    return { ...threw(error), final: true };
  }
  if (json === null || byteLength(json) <= MAX_VALUE) return { how: "returned", json };
  try {
    for await (const part of keepFile(RESULT_NAME, json, "application/json")) await take(part);
    return { how: "returned", json: null, large: true };
  } catch (error) {
    return threw(error);
  }
}

/** The end of a run that threw. If it was asked to stop, it has stopped. */
export function endOf(reason: StopReason | null, error: unknown): RunEnd {
  const end = threw(error);
  if (reason === null) return end;
  return keepThrown({ how: "stopped", reason, stack: end.stack }, thrownIn(end));
}

/** The error that a hook gets; that of a time-out has the name that the record gives it. */
export function failureIn(end: RunEnd): unknown {
  if (end.how !== "stopped") return thrownIn(end);
  const error = new Error("The attempt took longer than its time-out", { cause: thrownIn(end) });
  error.name = "TimeoutError";
  return error;
}

/** Whether it counts as an attempt that failed. */
export function isFailure(end: RunEnd): boolean {
  return end.how === "threw" || (end.how === "stopped" && end.reason === "timeout");
}

function threw(thrown: unknown): Extract<RunEnd, { how: "threw" }> {
  const end = { how: "threw" as const, ...errorOf(thrown) };
  return keepThrown(isFinal(thrown) ? { ...end, final: true } : end, thrown);
}
