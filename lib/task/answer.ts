/**
 * The answer that is stored under the name of a step, a sleep, a signal or children: a task that
 * starts again reads it instead of doing the same a second time.
 *
 * @module
 */

import { plainText } from "./text.ts";

/** Names that a task may have answers under. */
export const MAX_ANSWERS = 1000;

/** Characters of such a name. */
export const MAX_NAME = 128;

export const NAME_PATTERN: RegExp = plainText(MAX_NAME);

/** What an answer is to. */
export type AnswerType = "step" | "sleep" | "signal" | "children";

export interface Answer {
  type: AnswerType;
  /** There is nothing left to wait for. */
  done: boolean;
  /** Until when is waited at most, milliseconds since the epoch; `null` for no such time. */
  until: number | null;
  /**
   * JSON text: what came of it, or, of a signal that is still waited for, the JSON Schema of what it
   * has to bring; of children their {@link ./child.ts ChildPlan}; `null` for nothing.
   */
  json: string | null;
}

/** An answer as it is stored. */
export function answerText({ json, ...rest }: Answer): string {
  return `${JSON.stringify(rest)}\n${json ?? ""}`;
}

export function readAnswerText(text: string): Answer {
  const end = text.indexOf("\n");
  const json = text.slice(end + 1);
  return { ...JSON.parse(text.slice(0, end)), json: json === "" ? null : json };
}
