import { Timer } from "../base/timer.ts";
import { unlessAborted } from "../base/unless_aborted.ts";
import { retryDelay } from "../task/backoff.ts";
import { waiting } from "../task/delay.ts";
import { isFinal } from "../task/final_error.ts";
import { readTries } from "../task/retry.ts";
import type { StepYield } from "../task/step.ts";
import { errorOf } from "../task/task_error.ts";
import { brief } from "../task/text.ts";
import type { RunSpan } from "./run_span.ts";
import type { RunStop } from "./run_stop.ts";

/** What a step needs of its run. */
export interface SteppingRun {
  readonly stop: RunStop;
  readonly stepKey: (name: string) => string;
  /** `null` if it is not traced. */
  readonly span: RunSpan | null;
}

/**
 * Does the work of a step, and retries it as its options say.
 *
 * @param onfailed Called for each try that another one follows.
 * @throws What the last try threw, or why the run must stop.
 */
export async function doStep(
  run: SteppingRun,
  step: StepYield,
  onfailed: (message: string, data: Record<string, unknown>) => void,
): Promise<unknown> {
  const { name, options } = step;
  const { retry, timeout } = readTries(`do step '${name}'`, options);
  for (let tries = 1;; tries++) {
    try {
      return await tryOnce(run, step, timeout);
    } catch (error) {
      run.stop.signal.throwIfAborted();
      if (tries >= retry.maxAttempts || isFinal(error)) throw error;
      const retry_in_ms = retryDelay(tries, retry);
      const said = brief(errorOf(error).error.message, 1024);
      onfailed(`Step '${name}': try ${tries} of ${retry.maxAttempts} failed: ${said}`, {
        retry_in_ms,
      });
      await waiting.by(retry_in_ms, run.stop.signal);
    }
  }
}

async function tryOnce(
  { stop, stepKey }: SteppingRun,
  { name, work }: StepYield,
  timeout: number | undefined,
): Promise<unknown> {
  const late = new AbortController();
  const signal = AbortSignal.any([stop.signal, late.signal]);
  const timer = new Timer();
  if (timeout !== undefined) {
    const error = new DOMException(`Step '${name}' took longer than ${timeout} ms`, "TimeoutError");
    timer.set(timeout, () => late.abort(error));
  }
  try {
    const doing = (async () => await work({ signal, key: stepKey(name) }))();
    return await unlessAborted(doing, signal);
  } finally {
    timer.clear();
  }
}
