/**
 * The JSON bodies that requests bring: one schema each, by which a body is checked, its errors are
 * worded and OpenAPI describes it.
 *
 * @module
 */

import { z } from "zod";
import { INSTANT, parseInstant } from "../lib/task/instant.ts";
import { MAX_DELAY_MS } from "../lib/task/limits.ts";
import { HttpError } from "../lib/http/errors.ts";

/** Tasks in one request. */
const MAX_IDS = 1000;

const text = z.string("must be text");

function whole(min: number, max: number): z.ZodInt {
  const sentence = `must be a whole number from ${min} to ${max}`;
  return z.int(sentence).min(min, sentence).max(max, sentence);
}

/** With its zone, since a server's own is nobody's business; seconds may be left out. */
const instant = z.string(`must be ${INSTANT}`)
  .refine((it) => parseInstant(it) !== null, `must be ${INSTANT}`)
  .meta({ format: "date-time" });

/** The body of `POST /tasks`. OpenAPI puts the input of each kind into it. */
export const NEW_TASK = z.strictObject({
  kind: text,
  input: z.unknown().optional().describe("As the kind's schema says, up to 48 KiB of JSON"),
  priority: whole(-100, 100).nullish().describe("Higher runs first"),
  delay_ms: whole(0, MAX_DELAY_MS).nullish().describe("Not both this and run_at"),
  run_at: instant.nullish().describe("RFC 3339"),
  max_attempts: whole(1, 1000).nullish(),
  timeout_ms: whole(1, 2 ** 40).nullish().describe("What an attempt may take"),
});

export type NewTaskBody = z.infer<typeof NEW_TASK>;

export const BULK_CHANGE = z.strictObject({
  action: z.enum(["cancel", "retry", "delete"], "must be one of cancel, retry, delete"),
  ids: z.array(text, `must be a list of 1 to ${MAX_IDS} ids`)
    .min(1, `must be a list of 1 to ${MAX_IDS} ids`)
    .max(MAX_IDS, `must be a list of 1 to ${MAX_IDS} ids`),
});

export type BulkAction = z.infer<typeof BULK_CHANGE>["action"];

export const CREDENTIALS = z.strictObject({
  token: text.min(1, "must be a token").describe("One of the operator's"),
});

/** Characters of a field's name that an error repeats. */
const MAX_NAME = 64;

/**
 * Checks a body.
 *
 * @param example What a body looks like, for the error where it is not an object.
 * @throws {HttpError} 400 that names the first field that is wrong, and says what would be right.
 */
export function checkBody<Body>(
  schema: z.ZodObject & z.ZodType<Body>,
  body: unknown,
  example: string,
): Body {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const field = issue.keys[0]!.slice(0, MAX_NAME);
    const names = Object.keys(schema.shape).join(", ");
    throw new HttpError(400, `There is no field '${field}': there are ${names}`, { field });
  }
  if (issue.path.length === 0) {
    throw new HttpError(400, `The body must be an object, as ${example}`, { field: "body" });
  }
  const field = String(issue.path[0]);
  throw new HttpError(400, `'${issue.path.join(".")}' ${issue.message}`, { field });
}
