import type { CallToolResult } from "@modelcontextprotocol/server";
import { ServerError } from "../run/api.ts";

/** Characters of an answer: all of it goes into what a model reads. */
export const MAX_ANSWER = 40_000;

/** What a tool answers: JSON, cut where it is too long. */
export function answer(value: unknown, isError = false): CallToolResult {
  const text = JSON.stringify(value) ?? "null";
  const more = `Cut: these are the first ${MAX_ANSWER} of ${text.length} characters.`;
  const texts = text.length <= MAX_ANSWER ? [text] : [text.slice(0, MAX_ANSWER), more];
  return {
    content: texts.map((text) => ({ type: "text", text })),
    ...(isError ? { isError } : {}),
  };
}

/** What went wrong, so that a model can do better: the server's own sentence, and the field. */
export function refusal(error: unknown): CallToolResult {
  if (!(error instanceof ServerError)) {
    return answer({ error: error instanceof Error ? error.message : String(error) }, true);
  }
  const { status, message, problem } = error;
  const { detail, field, errors } = problem ?? {};
  return answer({
    error: detail ?? message,
    ...(status === 0 ? {} : { status }),
    ...(field === undefined ? {} : { field }),
    ...(errors === undefined ? {} : { errors }),
  }, true);
}
