/**
 * A kind of the model test that has a module, and so task processes, of its own.
 *
 * @module
 */

import { modelKind } from "./model_kind.ts";

/** Reports its progress in two stages. */
export const staged = modelKind("model-staged", { sort: "staged" });
