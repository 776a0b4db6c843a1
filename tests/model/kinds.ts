/**
 * The kinds of the model test, as one module.
 *
 * @module
 */

import { type AnyTask, defineTask } from "headway";
import { modelKind } from "./model_kind.ts";
import { DEBOUNCE_MS, keyOf, LIMIT, RATE } from "./script.ts";

/** As many as there is room for. */
export const model = modelKind("model");

/** At most {@link LIMIT} at once. */
export const limited = modelKind("model-limited", { concurrency: LIMIT });

/** One at once of each {@link keyOf}. */
export const keyed = modelKind("model-keyed", { concurrency: { limit: 1, key: keyOf } });

/** {@link RATE} bounds its starts. */
export const rated = modelKind("model-rated", { rate: RATE });

/** Those of a group that come before one has begun are one task. */
export const debounced = modelKind("model-debounced", {
  debounce: { wait: DEBOUNCE_MS, key: ({ group }) => group.trimEnd() },
});

/** It has children of these, and of its own kind. */
export const parent = modelKind("model-parent", { sort: "parent" });

/** One of very many: see `crowd.ts`. */
export const crowd: AnyTask = defineTask({
  kind: "model-crowd",
  async *run() {},
});
