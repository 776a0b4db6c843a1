/**
 * The JSON bodies of requests: one schema each, which checks a body, words its errors and describes
 * it in OpenAPI.
 *
 * @module
 */

import { z } from "zod";
import { MAX_NAME, NAME_PATTERN } from "../lib/task/answer.ts";
import { INSTANT, parseInstant } from "../lib/task/instant.ts";
import { MAX_DELAY_MS } from "../lib/task/limits.ts";
import { MAX_KEEP_MS } from "../lib/task/retention.ts";
import {
  MAX_OWNER,
  MAX_TAG,
  MAX_TAGS,
  NO_PARENT,
  OWNER_PATTERN,
  TAG_PATTERN,
} from "../lib/task/labels.ts";
import {
  eventsProblem,
  MAX_TARGET_URL,
  MAX_TARGETS,
  NOTIFY_EVENTS,
  secretProblem,
  urlProblem,
} from "../lib/task/notify.ts";
import { KIND_PATTERN } from "../lib/task/define.ts";
import { MAX_JITTER_MS, MISSED, OVERLAPS } from "../lib/task/schedule.ts";
import { STATUSES } from "../lib/task/record.ts";
import { MAX_REASON, REASON_PATTERN } from "../lib/task/text.ts";
import { ULID } from "../lib/task/ulid.ts";
import { CANS } from "../lib/http/tokens.ts";
import { HttpError } from "../lib/http/errors.ts";

/** Tasks in one request. */
export const MAX_IDS = 1000;

/** Kinds or states that a filter may name. */
export const MAX_WORDS = 100;

/** Characters of a text that is looked for. */
export const MAX_TEXT = 200;

const text = z.string("must be text");

function whole(min: number, max: number): z.ZodInt {
  const sentence = `must be a whole number from ${min} to ${max}`;
  return z.int(sentence).min(min, sentence).max(max, sentence);
}

/** With its zone, since a server's own is nobody's business; seconds may be left out. */
const instant = z.string(`must be ${INSTANT}`)
  .refine((it) => parseInstant(it) !== null, `must be ${INSTANT}`)
  .meta({ format: "date-time" });

/** No control character: a pattern that every program's JSON Schema knows. */
const PLAIN = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
const PLAIN_TAG = "^[^\\u0000-\\u001f\\u007f-\\u009f,]*$";

function label(pattern: RegExp, max: number, plain: string, except: string): z.ZodString {
  const sentence = `must be 1 to ${max} characters, without ${except}`;
  return z.string(sentence).refine((it) => pattern.test(it), sentence)
    .meta({ minLength: 1, maxLength: max, pattern: plain });
}

export const OWNER = label(OWNER_PATTERN, MAX_OWNER, PLAIN, "control characters");

/** In an address, not in a body. */
export const SIGNAL_NAME = label(NAME_PATTERN, MAX_NAME, PLAIN, "control characters");

export const TAG = label(TAG_PATTERN, MAX_TAG, PLAIN_TAG, "commas and control characters");

const tagList = `must be a list of at most ${MAX_TAGS} different tags`;
const tags = z.array(
  TAG,
  tagList,
).max(MAX_TAGS, tagList).refine((all) => new Set(all).size === all.length, tagList)
  .meta({ uniqueItems: true });

/** A check that says what is wrong; `null` for nothing. */
function fitting(problem: (value: unknown) => string | null) {
  return (context: z.core.ParsePayload<unknown>) => {
    const message = problem(context.value);
    if (message === null) return;
    context.issues.push({ code: "custom", message, input: context.value });
  };
}

const eventList = eventsProblem(null)!;

/** Of several, separated by spaces, it need not tell. */
const ONE_SECRET =
  "^whsec_(?:(?:[A-Za-z0-9+/]{4}){8,20}(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?|" +
  "(?:[A-Za-z0-9+/]{4}){21}(?:[A-Za-z0-9+/]{2}==)?)$";

const TARGET = z.strictObject({
  url: text.check(fitting(urlProblem)).meta({ format: "uri", maxLength: MAX_TARGET_URL })
    .describe("http or https"),
  on: z.array(z.enum(NOTIFY_EVENTS, eventList), eventList).check(fitting(eventsProblem)).nullish()
    .meta({ minItems: 1, uniqueItems: true })
    .describe("completed, failed and canceled where left out"),
  secret: text.check(fitting(secretProblem)).meta({ pattern: ONE_SECRET }).nullish()
    .describe("Signs instead of the server's secrets: 'whsec_…'; never shown again"),
}, "must be an object, such as {url, on}");

const targets = `must be a list of at most ${MAX_TARGETS} targets`;
const keepSentence = `must be milliseconds from 0 to ${MAX_KEEP_MS}, or "forever"`;
const keep = z.union([
  z.int(keepSentence).min(0, keepSentence).max(MAX_KEEP_MS, keepSentence),
  z.literal("forever"),
], keepSentence);

/** The body of `POST /tasks`. OpenAPI puts the input of each kind into it. */
export const NEW_TASK = z.strictObject({
  kind: text,
  input: z.unknown().optional().describe("As the kind's schema says, up to 48 KiB of JSON"),
  priority: whole(-100, 100).nullish().describe("Higher runs first"),
  delay_ms: whole(0, MAX_DELAY_MS).nullish().describe("Cannot be combined with run_at"),
  run_at: instant.nullish().describe("RFC 3339"),
  max_attempts: whole(1, 1000).nullish(),
  timeout_ms: whole(1, 2 ** 40).nullish().describe("How long an attempt may take"),
  owner: OWNER.nullish().describe("Who owns the task: lists and streams can filter by it"),
  tags: tags.nullish().describe("Tags of the task: lists and streams can filter by them"),
  notify: z.array(TARGET, targets).max(MAX_TARGETS, targets).nullish()
    .describe("Targets that webhooks tell of it, instead of those of its kind"),
  keep: keep.nullish().describe("Milliseconds that it is kept after its end"),
});

/** The body of `PATCH /tasks/{id}`. */
export const CHANGED_TASK = z.strictObject({
  keep: keep.nullable().describe(
    "Milliseconds that it is kept after its end; null where its kind or the server decides",
  ),
});

export type ChangedTaskBody = z.infer<typeof CHANGED_TASK>;

export type NewTaskBody = z.infer<typeof NEW_TASK>;

const reasonText = `must be text of at most ${MAX_REASON} characters, without control characters`;

const reason = z.string(reasonText)
  .refine((it) => it === "" || REASON_PATTERN.test(it), reasonText)
  .meta({ maxLength: MAX_REASON, pattern: PLAIN });

const cron = text.describe("Five fields, or six with the seconds first, such as 30 2 * * *");
const zone = text.describe("The IANA name of the time zone of the pattern; UTC where left out");
const missed = z.enum(MISSED, `must be one of ${MISSED.join(", ")}`)
  .describe("What happens to times while no process was running; 'one' where left out");
const overlap = z.enum(OVERLAPS, `must be one of ${OVERLAPS.join(", ")}`)
  .describe(
    "What happens to a time while the task of an earlier one has not ended; 'skip' where " +
      "left out, and 'queue' beside missed: 'all'",
  );
const jitter_ms = whole(0, MAX_JITTER_MS).describe(
  "Each task is delayed by a random time below this",
);
const scheduleInput = z.unknown().optional().describe("The input of each task");
const scheduleId = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-'";

/** The body of `POST /schedules`. */
export const NEW_SCHEDULE = z.strictObject({
  schedule_id: z.string(scheduleId).regex(KIND_PATTERN, scheduleId).nullish()
    .describe("Its id; a ULID where left out"),
  kind: text,
  cron,
  zone: zone.nullish(),
  input: scheduleInput,
  missed: missed.nullish(),
  overlap: overlap.nullish(),
  jitter_ms: jitter_ms.nullish(),
  priority: whole(-100, 100).nullish().describe("Of each task"),
  owner: OWNER.nullish().describe("Who owns it and its tasks"),
  tags: tags.nullish().describe("Of each task"),
});

/** The body of `PATCH /schedules/{id}`: what is left out stays. */
export const SCHEDULE_CHANGE = z.strictObject({
  cron,
  zone,
  input: scheduleInput,
  missed,
  overlap,
  jitter_ms,
  priority: whole(-100, 100),
  tags,
  paused: z.boolean("must be true or false").describe("While true, it creates no tasks"),
  reason: reason.describe("Why it is paused"),
}).partial().meta({ dependentRequired: { reason: ["paused"] } });

const idList = `must be a list of 1 to ${MAX_IDS} ids`;
const kindList = `must be a list of 1 to ${MAX_WORDS} kinds`;
const statusList = `must be a list of ${STATUSES.join(", ")}`;

/** What picks tasks: all of it must hold. */
const FILTER = z.strictObject({
  status: z.array(z.enum(STATUSES, statusList), statusList).min(1, statusList)
    .max(MAX_WORDS, statusList),
  kind: z.array(z.string(kindList).regex(KIND_PATTERN, kindList), kindList).min(1, kindList)
    .max(MAX_WORDS, kindList),
  owner: OWNER,
  tag: tags.describe("Tasks that have all of them"),
  parent: z.union(
    [z.literal(NO_PARENT), z.string().regex(ULID)],
    "must be the id of a task, or none",
  )
    .describe("Its children; 'none' for tasks without a parent"),
  q: z.string("must be text").refine(
    (it) => [...it].length <= MAX_TEXT,
    `must be at most ${MAX_TEXT} characters`,
  )
    .meta({ maxLength: MAX_TEXT }),
  created_after: instant,
  created_before: instant,
}, 'must be an object, such as {"status":["failed"]}').partial();

export type FilterBody = z.infer<typeof FILTER>;

export const BULK_CHANGE = z.strictObject({
  action: z.enum(["cancel", "retry", "delete"], "must be one of cancel, retry, delete"),
  ids: z.array(text, idList).min(1, idList).max(MAX_IDS, idList).optional(),
  filter: FILTER.optional().describe("Instead of ids: the tasks it picks, some at a time"),
  cursor: z.string("must be the 'next_cursor' of an earlier answer").regex(ULID).optional()
    .describe("With a filter: continues after those of an earlier answer"),
  dry_run: z.boolean("must be true or false").optional().describe(
    "Only counts, and changes nothing",
  ),
}).meta({
  oneOf: [{ required: ["ids"] }, { required: ["filter"] }],
  dependentRequired: { cursor: ["filter"] },
});

export type BulkBody = z.infer<typeof BULK_CHANGE>;
export type BulkAction = BulkBody["action"];

export const PAUSE = z.strictObject({
  reason: reason.nullish().describe("Shown on each waiting task"),
});

export type PauseBody = z.infer<typeof PAUSE>;

const canList = `must be a list of ${CANS.join(", ")}`;

export const NEW_TOKEN = z.strictObject({
  task_id: text.optional().describe("For this task"),
  owner: OWNER.optional().describe("For all tasks of this owner"),
  can: z.array(z.enum(CANS, canList), canList).min(1, canList).max(CANS.length, canList).optional()
    .describe("What it allows; read where left out"),
}).meta({ oneOf: [{ required: ["task_id"] }, { required: ["owner"] }] });

export type NewTokenBody = z.infer<typeof NEW_TOKEN>;

export const CREDENTIALS = z.strictObject({
  token: text.min(1, "must be a token").describe("One of the operator's tokens"),
});

/** Characters of a field's name that an error repeats. */
const MAX_FIELD = 64;

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
    const field = [...issue.path, issue.keys[0]!.slice(0, MAX_FIELD)].join(".");
    if (issue.path.length > 0) throw new HttpError(400, `There is no field '${field}'`, { field });
    const names = Object.keys(schema.shape).join(", ");
    throw new HttpError(400, `There is no field '${field}': there are ${names}`, { field });
  }
  if (issue.path.length === 0) {
    throw new HttpError(400, `The body must be an object, such as ${example}`, { field: "body" });
  }
  const field = String(issue.path[0]);
  throw new HttpError(400, `'${issue.path.join(".")}' ${issue.message}`, { field });
}
