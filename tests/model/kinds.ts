/**
 * The kinds of the model test, as one module.
 *
 * @module
 */

import { type AnyTask, defineTask } from "headway";
import { modelKind } from "./model_kind.ts";
import { DEBOUNCE_MS, keyOf, LIMIT, RATE } from "./script.ts";

/** Has no limit of its own. */
export const model = modelKind("model");

/** Runs at most {@link LIMIT} tasks at once. */
export const limited = modelKind("model-limited", { concurrency: LIMIT });

/** Runs one task at once for each key by {@link keyOf}. */
export const keyed = modelKind("model-keyed", { concurrency: { limit: 1, key: keyOf } });

/** Starts tasks at most at {@link RATE}. */
export const rated = modelKind("model-rated", { rate: RATE });

/** Makes one task of all submits of a group that come before the task begins. */
export const debounced = modelKind("model-debounced", {
  debounce: { wait: DEBOUNCE_MS, key: ({ group }) => group.trimEnd() },
});

/** Has children of these kinds, and of its own. */
export const parent = modelKind("model-parent", { sort: "parent" });

/** The kind of the tasks that `crowd.ts` makes. */
export const crowd: AnyTask = defineTask({
  kind: "model-crowd",
  async *run() {},
});
