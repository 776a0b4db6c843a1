/**
 * An error as text: its message, its causes, and its stack.
 *
 * @module
 */

import type { TaskError } from "../../lib/task/record.ts";

/** An error with its stack, which only those who may see the code get. */
export interface WholeError extends TaskError {
  stack?: string | null;
  cause?: WholeError;
  errors?: readonly WholeError[];
}

/** The frames of a stack, without the name and message at its beginning. */
export function framesOf({ stack, name, message }: WholeError): string {
  if (!stack) return "";
  const head = [`${name}: ${message}`, message, name].find((text) => stack.startsWith(text));
  const rest = head === undefined ? stack : stack.slice(head.length);
  return rest.split("\n").map((line) => line.trim()).filter(Boolean).join("\n");
}

/** A whole error as text, with its causes and parts. */
export function errorText(error: WholeError, withStack: boolean): string {
  const { name, message, code, cause, errors } = error;
  const lines = [`${name}${code ? ` [${code}]` : ""}: ${message}`];
  const frames = withStack ? framesOf(error) : "";
  if (frames !== "") lines.push(indented(frames));
  if (cause) lines.push(`Caused by: ${errorText(cause, withStack)}`);
  for (const [n, part] of (errors ?? []).entries()) {
    lines.push(indented(`${n + 1}. ${errorText(part, withStack)}`));
  }
  return lines.join("\n");
}

function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}
