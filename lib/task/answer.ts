/**
 * The answer that is stored under the name of a step, a sleep, a signal or children: a task that
 * starts again reads it instead of doing the same a second time.
 *
 * @module
 */

import { plainText } from "./text.ts";

/** The most answers of a task, each under a name of its own. */
export const MAX_ANSWERS = 1000;

/** The most characters of a name. */
export const MAX_NAME = 128;

export const NAME_PATTERN: RegExp = plainText(MAX_NAME);

/** What the answer belongs to. */
export type AnswerType = "step" | "sleep" | "signal" | "children";

export interface Answer {
  type: AnswerType;
  /** Whether there is nothing left to wait for. */
  done: boolean;
  /** The end of the wait at the latest, milliseconds since the epoch; `null` for no limit. */
  until: number | null;
  /**
   * JSON text: the result of a step or the value of a signal; the JSON Schema of a signal that has
   * not come; the {@link ./child.ts ChildPlan} of children; `null` for nothing.
   */
  json: string | null;
}

/** The stored form: `json` follows the other fields after a line break, so that it is not escaped. */
export function answerText({ json, ...rest }: Answer): string {
  return `${JSON.stringify(rest)}\n${json ?? ""}`;
}

export function readAnswerText(text: string): Answer {
  const end = text.indexOf("\n");
  const json = text.slice(end + 1);
  return { ...JSON.parse(text.slice(0, end)), json: json === "" ? null : json };
}
