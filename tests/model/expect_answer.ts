/**
 * What the server may answer.
 *
 * @module
 */

import { holds, type Invariant } from "./invariants.ts";
import type { Answer, World } from "./world.ts";

/** Whether something else happens at the same time, a crash included. */
export interface Circumstances {
  /** Then an answer may be missing, and others may decide first. */
  alone: boolean;
}

/** No answer, or one that says that it is not known what came of it. */
export function isLost(answer: Answer): answer is null {
  return answer === null || answer.status === 503;
}

/** Asserts that it is one of these. */
export function expect(
  invariant: Invariant,
  answer: NonNullable<Answer>,
  statuses: readonly number[],
  what: string,
): void {
  holds(
    invariant,
    statuses.includes(answer.status),
    () => `${what}: ${answer.status} ${JSON.stringify(answer.body)}, not ${statuses}`,
  );
}

/** No answer came, which may be where something else happens. */
export function missing(
  what: string,
  answer: Answer,
  world: World,
  { alone }: Circumstances,
): void {
  const why = () => answer ? JSON.stringify(answer) : Deno.inspect(world.trouble);
  holds("I14", !alone, () => `${what} got no answer: ${why()}`);
}
