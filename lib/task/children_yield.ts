import type { OnFailure } from "./child.ts";
import type { YIELD } from "./marker.ts";

/** A task to make, whatever the types say of it. */
export interface GivenChild {
  /** A definition, or the name of a kind. */
  readonly kind: string | { readonly kind: string };
  /** As the kind takes it. */
  readonly input?: unknown;
}

/** What {@link ./children.ts children} takes beside the tasks. */
export interface ChildrenOptions {
  /** How many of them run at once, beside what their kinds say. @default {any number} */
  concurrency?: number;
  /**
   * What happens when one fails for good, or is canceled. `"fail"`: the others go on, and when all
   * have ended, `children` throws. `"cancel"`: the others are canceled, then it throws. `"continue"`:
   * it throws nothing, and gives outcomes instead of results. @default {"fail"}
   */
  onFailure?: OnFailure;
}

/** Yielded children. Made by {@link ./children.ts children}. */
export interface ChildrenYield {
  /** Always `"children"`. */
  readonly [YIELD]: "children";
  /** As the task calls them. */
  readonly name: string;
  /** Those to make. */
  readonly entries: readonly GivenChild[];
  /** See {@link ChildrenOptions}. */
  readonly options: ChildrenOptions;
  /** What came of them, once the generator goes on. */
  answer?: readonly unknown[];
}
