/**
 * Assertions about the server's answers.
 *
 * @module
 */

import { holds, type Invariant } from "./invariants.ts";
import type { Answer, World } from "./world.ts";

/** Whether something else happens at the same time, a crash included. */
export interface Circumstances {
  /** If `false`, an answer may be missing, and another request may come first. */
  alone: boolean;
}

/** Whether there is no answer, or a 503, which leaves open whether the request was carried out. */
export function isLost(answer: Answer): answer is null {
  return answer === null || answer.status === 503;
}

/** Asserts that the status is one of `statuses`. */
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

/** Asserts that an answer may be missing, since something else happened at the same time. */
export function missing(
  what: string,
  answer: Answer,
  world: World,
  { alone }: Circumstances,
): void {
  const why = () => answer ? JSON.stringify(answer) : Deno.inspect(world.trouble);
  holds("I14", !alone, () => `${what} got no answer: ${why()}`);
}
