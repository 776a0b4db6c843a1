import { type Duration, durationMs } from "./duration.ts";
import { requireName } from "./step.ts";
import type { OutputOf, StandardSchema } from "./standard_schema.ts";
import { YIELD } from "./marker.ts";

/** The options of {@link waitFor}. */
export interface WaitOptions<Schema extends StandardSchema | undefined> {
  /** A Standard Schema of the signal's value. The page shows a form for it. */
  schema?: Schema;
  /** How long to wait, from when the task first came to this call. @default {no limit} */
  timeout?: Duration;
}

/** A yielded wait for a signal. Made by {@link waitFor}. */
export interface SignalYield {
  /** Always `"signal"`. */
  readonly [YIELD]: "signal";
  /** The signal's name. */
  readonly name: string;
  /** See {@link WaitOptions.schema}. */
  readonly schema: StandardSchema | undefined;
  /** How long to wait, in milliseconds; `null` for no limit. */
  readonly timeoutMs: number | null;
  /** The signal's value, set before the generator goes on. */
  answer?: unknown;
}

/** The type of a signal's value, by its schema; `unknown` without one. */
export type SignalOf<Schema> = Schema extends StandardSchema ? OutputOf<Schema> : unknown;

/**
 * Waits until somebody sends a signal: `POST /tasks/{id}/signals/{name}`, or the form in the page.
 * Meanwhile the task is `waiting`: its generator returns (`finally` blocks run), it takes up no
 * task process, and it starts again from its last checkpoint with the signal. This uses no attempt.
 *
 * A signal that comes before the task waits for it is kept. One that does not fit the schema is
 * refused, or logged and dropped if the server did not know the schema. The first that fits counts.
 *
 * @param name 1 to 128 characters; used once in a run.
 * @returns The signal's value, as the schema returns it; `undefined` after the time-out.
 *
 * @throws {TypeError} If the name was used before in this run, or `timeout` is not a duration.
 *
 * @example
 * ```ts
 * import { defineTask, waitFor } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const review = defineTask({
 *   kind: "review",
 *   async *run() {
 *     const answer = yield* waitFor("approve", {
 *       schema: z.object({ ok: z.boolean() }),
 *       timeout: { days: 7 },
 *     });
 *     return answer?.ok ? "approved" : "not approved";
 *   },
 * });
 * const { result } = await runTask(review, null, { signals: { approve: { ok: true } } });
 * assertEquals(result, "approved");
 * ```
 */
export function waitFor<Schema extends StandardSchema | undefined = undefined>(
  name: string,
  options: WaitOptions<Schema> & { timeout: Duration },
): AsyncGenerator<SignalYield, SignalOf<Schema> | undefined, void>;
/** Waits for a signal, as above, without a time-out. */
export function waitFor<Schema extends StandardSchema | undefined = undefined>(
  name: string,
  options?: WaitOptions<Schema>,
): AsyncGenerator<SignalYield, SignalOf<Schema>, void>;
export async function* waitFor(
  name: string,
  { schema, timeout }: WaitOptions<StandardSchema | undefined> = {},
): AsyncGenerator<SignalYield, unknown, void> {
  const timeoutMs = timeout === undefined ? null : durationMs(timeout);
  const asked: SignalYield = { [YIELD]: "signal", name: requireName(name), schema, timeoutMs };
  yield asked;
  return asked.answer;
}
