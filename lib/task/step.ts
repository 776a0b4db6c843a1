import { NAME_PATTERN } from "./answer.ts";
import { YIELD } from "./marker.ts";
import type { RetryOptions } from "./retry.ts";
import { brief, textOf } from "./text.ts";

/** What a step's work is given. */
export interface StepContext {
  /** Aborts on cancel, time-out and stop of the task, and when the step's own time is over. */
  signal: AbortSignal;
  /** As `stepKey()` of the task's context gives it for this step. */
  key: string;
}

/** What {@link step} takes beside its work. */
export interface StepOptions {
  /** How often and how fast it is tried again when it throws. @default {once} */
  retry?: RetryOptions;
  /** Milliseconds that one try may take. @default {as long as it likes} */
  timeout?: number;
}

/** A yielded step. Made by {@link step}. */
export interface StepYield {
  /** Always `"step"`. */
  readonly [YIELD]: "step";
  /** As the task calls it. */
  readonly name: string;
  /** What it does. */
  readonly work: (context: StepContext) => unknown;
  /** See {@link StepOptions}. */
  readonly options: StepOptions;
  /** What came of it, once the generator goes on. */
  answer?: unknown;
}

/**
 * Does something once. What `work` returns is stored under `name` before the generator goes on; when
 * the task starts again, it is returned at once and `work` is not called. When `work` throws, so does
 * `step`, and nothing is stored.
 *
 * A crash after `work` has returned and before that is stored runs it again. Where that must not
 * matter, give the key to whom you call, as its idempotency key.
 *
 * @param name At most 128 characters; once in a run.
 * @returns What `work` returned, as JSON gives it back: what does not come back as it was is refused.
 * At most 48 KiB.
 *
 * @throws {TypeError} If the name was used before in this run, or what `work` returned cannot be kept.
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

/** @throws {TypeError} If it cannot name a step, a sleep, a signal or children. */
export function requireName(name: unknown): string {
  if (typeof name === "string" && NAME_PATTERN.test(name)) return name;
  throw new TypeError(
    "Cannot go on as a step, a sleep, a signal and children each need a name of 1 to 128 " +
      `characters, none of them a control character: current value is ${brief(textOf(name), 150)}`,
  );
}
