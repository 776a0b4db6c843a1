import { type Duration, durationMs } from "./duration.ts";
import { requireName } from "./step.ts";
import type { OutputOf, StandardSchema } from "./standard_schema.ts";
import { YIELD } from "./marker.ts";

/** What {@link waitFor} takes beside a name. */
export interface WaitOptions<Schema extends StandardSchema | undefined> {
  /** Any Standard Schema, of what the signal brings. The page makes a form of it. */
  schema?: Schema;
  /** How long to wait, counted from when the task first came here. @default {as long as it takes} */
  timeout?: Duration;
}

/** A yielded wait for a signal. Made by {@link waitFor}. */
export interface SignalYield {
  /** Always `"signal"`. */
  readonly [YIELD]: "signal";
  /** Names the signal. */
  readonly name: string;
  /** See {@link WaitOptions}. */
  readonly schema: StandardSchema | undefined;
  /** Milliseconds, or `null`. */
  readonly timeoutMs: number | null;
  /** What the signal brought, once the generator goes on. */
  answer?: unknown;
}

/** What a signal brings, by its schema; `unknown` without one. */
export type SignalOf<Schema> = Schema extends StandardSchema ? OutputOf<Schema> : unknown;

/**
 * Waits until somebody sends a signal: `POST /tasks/{id}/signals/{name}`, or the form in the page. The
 * task is `waiting` meanwhile: its generator has returned (`finally` blocks run), no process has it,
 * and it starts again from its last checkpoint with the signal. No attempt is used.
 *
 * A signal that comes before the task waits for it is kept. One that does not fit the schema is
 * refused, or, where nobody could tell when it came, logged and dropped. The first one counts.
 *
 * @param name At most 128 characters; once in a run.
 * @returns What the signal brought, as the schema makes it; `undefined` when the time was over.
 *
 * @throws {TypeError} If the name was used before in this run, or `timeout` is no duration.
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
/** Waits until somebody sends a signal, for as long as that takes; else as above. */
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
