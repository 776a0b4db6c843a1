import type { ChildOutcome } from "./children_error.ts";
import type { ChildrenOptions, ChildrenYield } from "./children_yield.ts";
import type { AnyTask } from "./define.ts";
import type { GivenOf, ResultOf } from "./types_of.ts";
import { YIELD } from "./marker.ts";
import { requireName } from "./step.ts";

/** A child that {@link children} makes. */
export interface Child {
  /** Its definition, or the name of its kind, which may be in another module. */
  readonly kind: AnyTask | string;
  /** The input, as its kind takes it. */
  readonly input?: unknown;
}

/** A {@link Child} whose input has the type that its kind takes. */
export type CheckedChild<Of> = Of extends { readonly kind: infer Kind extends AnyTask }
  ? undefined extends GivenOf<Kind> ? { readonly kind: Kind; readonly input?: GivenOf<Kind> }
  : { readonly kind: Kind; readonly input: GivenOf<Kind> }
  : Child;

/** The type of what a {@link Child} returns. */
export type ChildResult<Of> = Of extends { readonly kind: infer Kind extends AnyTask }
  ? ResultOf<Kind>
  : unknown;

/**
 * Makes other tasks for parts of the work, and waits for them. Each child is made once, even after
 * a crash: it is known by this task, `name` and its place in `entries`, and its first kind and
 * input count. Meanwhile the task is `waiting`: its generator returns (`finally` blocks run), it
 * takes up no task process, and it starts again from its last checkpoint when all children have
 * ended. This uses no attempt. Its `done`, `total`, `progress`, `rate` and `eta_ms` are those of
 * its children, which have its owner and its priority.
 *
 * When the task is canceled or ends otherwise, children that have not ended are canceled. Another
 * attempt of the task retries the children that failed, and no others.
 *
 * @param name 1 to 128 characters; used once in a run.
 * @param entries At most 10,000 in a task, and at most eight levels deep. Kinds check their inputs.
 * @returns The results in order, as JSON gives them back; with `onFailure: "continue"`, outcomes.
 * All together may take 16 MiB of JSON: have children return little, and put the rest elsewhere.
 *
 * @throws {ChildrenError} If a child failed or was canceled, except with `onFailure: "continue"`.
 * @throws {TypeError} If the name was used before in this run, or an input is invalid.
 * @throws {RangeError} If there are too many children, or their results are too large.
 *
 * @example
 * ```ts
 * import { children, defineTask } from "headway";
 * import { runTask } from "headway/testing";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const square = defineTask({
 *   kind: "square",
 *   input: z.number(),
 *   async *run({ input }) {
 *     return input ** 2;
 *   },
 * });
 * const squares = defineTask({
 *   kind: "squares",
 *   async *run() {
 *     return yield* children("parts", [1, 2, 3].map((input) => ({ kind: square, input })));
 *   },
 * });
 * const { result } = await runTask(squares, null, {
 *   children: { square: (input) => (input as number) ** 2 },
 * });
 * assertEquals(result, [1, 4, 9]);
 * ```
 */
export function children<const Entries extends readonly Child[]>(
  name: string,
  entries: Entries & { readonly [N in keyof Entries]: CheckedChild<Entries[N]> },
  options: ChildrenOptions & { onFailure: "continue" },
): AsyncGenerator<
  ChildrenYield,
  { -readonly [N in keyof Entries]: ChildOutcome<ChildResult<Entries[N]>> },
  void
>;
/** Makes children and returns their results, as above. */
export function children<const Entries extends readonly Child[]>(
  name: string,
  entries: Entries & { readonly [N in keyof Entries]: CheckedChild<Entries[N]> },
  options?: ChildrenOptions,
): AsyncGenerator<
  ChildrenYield,
  { -readonly [N in keyof Entries]: ChildResult<Entries[N]> },
  void
>;
export async function* children(
  name: string,
  entries: readonly Child[],
  options: ChildrenOptions = {},
): AsyncGenerator<ChildrenYield, unknown, void> {
  const asked: ChildrenYield = {
    [YIELD]: "children",
    name: requireName(name),
    entries,
    options,
  };
  yield asked;
  return asked.answer;
}
