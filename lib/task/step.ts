import { NAME_PATTERN } from "./answer.ts";
import { YIELD } from "./marker.ts";
import type { RetryOptions } from "./retry.ts";
import { brief, textOf } from "./text.ts";

/** The argument of a step's work. */
export interface StepContext {
  /** Aborts as the signal of the task's context does, and when the step's own time-out is over. */
  signal: AbortSignal;
  /** The key of this step, as `stepKey()` of the task's context gives it. */
  key: string;
}

/** The options of {@link step}. */
export interface StepOptions {
  /** How the work is retried when it throws. @default {not at all} */
  retry?: RetryOptions;
  /** Milliseconds that one try may take. @default {no limit} */
  timeout?: number;
}

/** A yielded step. Made by {@link step}. */
export interface StepYield {
  /** Always `"step"`. */
  readonly [YIELD]: "step";
  /** The step's name. */
  readonly name: string;
  /** The step's work. */
  readonly work: (context: StepContext) => unknown;
  /** See {@link StepOptions}. */
  readonly options: StepOptions;
  /** What the work returned, set before the generator goes on. */
  answer?: unknown;
}

/**
 * Does something once. What `work` returns is stored under `name` before the generator goes on; when
 * the task starts again, it is returned at once and `work` is not called. When `work` throws, so does
 * `step`, and nothing is stored.
 *
 * A crash after `work` has returned and before its result is stored runs it again. To make that
 * harmless, pass the key on to the service that you call, as an idempotency key.
 *
 * @param name 1 to 128 characters; used once in a run.
 * @returns What `work` returned: at most 48 KiB of JSON. A value that JSON does not give back as it
 * was is refused.
 *
 * @throws {TypeError} If the name was used before in this run, or JSON cannot hold the result.
 * @throws {RangeError} If the result is too large.
 * @throws {unknown} What `work` throws, at its last try.
 *
 * @example
 * ```ts
 * import { defineTask, step } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * let calls = 0;
 * const order = defineTask({
 *   kind: "order",
 *   async *run() {
 *     const receipt = yield* step("charge", () => ({ number: ++calls }));
 *     yield "charged";
 *     return receipt.number;
 *   },
 * });
 * const { result } = await runTask(order, null, { crashAfter: 2 });
 * assertEquals([result, calls], [1, 1]);
 * ```
 */
export async function* step<T>(
  name: string,
  work: (context: StepContext) => T | Promise<T>,
  options: StepOptions = {},
): AsyncGenerator<StepYield, T, void> {
  if (typeof work !== "function") {
    throw new TypeError(
      `Cannot do step '${brief(textOf(name), 128)}' as 'work' must be a function`,
    );
  }
  const asked: StepYield = { [YIELD]: "step", name: requireName(name), work, options };
  yield asked;
  return asked.answer as T;
}

/** @throws {TypeError} If it is not a valid name for a step, a sleep, a signal or children. */
export function requireName(name: unknown): string {
  if (typeof name === "string" && NAME_PATTERN.test(name)) return name;
  throw new TypeError(
    "Cannot go on as a step, a sleep, a signal and children each need a name of 1 to 128 " +
      `characters, none of them a control character: current value is ${brief(textOf(name), 150)}`,
  );
}
