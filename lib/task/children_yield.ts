import type { OnFailure } from "./child.ts";
import type { YIELD } from "./marker.ts";

/** A child to make, its input of any type. */
export interface GivenChild {
  /** A definition, or the name of a kind. */
  readonly kind: string | { readonly kind: string };
  /** The input, as its kind takes it. */
  readonly input?: unknown;
}

/** The options of {@link ./children.ts children}. */
export interface ChildrenOptions {
  /** How many children run at once, besides the limits of their kinds. @default {no limit} */
  concurrency?: number;
  /**
   * What happens when a child fails for good or is canceled. `"fail"`: the others go on, and
   * `children` throws when all have ended. `"cancel"`: the others are canceled, and then it throws.
   * `"continue"`: it does not throw, and returns outcomes instead of results. @default {"fail"}
   */
  onFailure?: OnFailure;
}

/** Yielded children. Made by {@link ./children.ts children}. */
export interface ChildrenYield {
  /** Always `"children"`. */
  readonly [YIELD]: "children";
  /** The name of the group. */
  readonly name: string;
  /** The children to make. */
  readonly entries: readonly GivenChild[];
  /** See {@link ChildrenOptions}. */
  readonly options: ChildrenOptions;
  /** The results or outcomes, set before the generator goes on. */
  answer?: readonly unknown[];
}
