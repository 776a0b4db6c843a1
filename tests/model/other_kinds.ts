/**
 * A kind of the model test in a module, and so in task processes, of its own.
 *
 * @module
 */

import { modelKind } from "./model_kind.ts";

/** Its progress is that of two stages. */
export const staged = modelKind("model-staged", { sort: "staged" });
