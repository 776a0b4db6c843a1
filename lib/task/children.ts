import type { ChildOutcome } from "./children_error.ts";
import type { ChildrenOptions, ChildrenYield } from "./children_yield.ts";
import type { AnyTask } from "./define.ts";
import type { GivenOf, ResultOf } from "./types_of.ts";
import { YIELD } from "./marker.ts";
import { requireName } from "./step.ts";

/** A task to make: of a definition, or of a kind by its name. */
export interface Child {
  /** Its definition, or the name of its kind, which another module may have. */
  readonly kind: AnyTask | string;
  /** As the kind takes it. */
  readonly input?: unknown;
}

/** A {@link Child} whose input is that of its kind. */
export type CheckedChild<Of> = Of extends { readonly kind: infer Kind extends AnyTask }
  ? undefined extends GivenOf<Kind> ? { readonly kind: Kind; readonly input?: GivenOf<Kind> }
  : { readonly kind: Kind; readonly input: GivenOf<Kind> }
  : Child;

/** What the task of a {@link Child} returns. */
export type ChildResult<Of> = Of extends { readonly kind: infer Kind extends AnyTask }
  ? ResultOf<Kind>
  : unknown;

/**
 * Has other tasks do parts of the work, and waits for them. Each is made once, whatever crashes: it is
 * the n-th of this name of this task, and its first kind and input count. The task is `waiting`
 * meanwhile: its generator has returned (`finally` blocks run), no process has it, and it starts again
 * from its last checkpoint when all have ended. No attempt is used. Its `done`, `total`, `progress`,
 * `rate` and `eta_ms` are those of its children, which have its owner and its priority.
 *
 * A cancel of the task, and any other end, cancels those that have not ended. Another attempt of it
 * tries again what failed, and nothing else.
 *
 * @param name At most 128 characters; once in a run.
 * @param entries At most 10,000 in a task, as deep as eight tasks in each other. Inputs are checked by
 * their kinds.
 * @returns Results in order, as JSON gives them back; with `onFailure: "continue"` an outcome each. They
 * may take 16 MiB of JSON together: have children return little, and put the rest elsewhere.
 *
 * @throws {ChildrenError} If one failed or was canceled, but for `onFailure: "continue"`.
 * @throws {TypeError} If the name was used before in this run, or an input does not fit.
 * @throws {RangeError} If there are too many, or what they return is too large.
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
/** Has other tasks do parts of the work, and gives their results, as above. */
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
