/**
 * The schemas that responses share: of a record, an error, a file, a delivery and a schedule.
 *
 * @module
 */

import { z } from "zod";
import { STATUSES, type TaskError, type TaskRecord } from "../../lib/task/record.ts";
import { NOTIFY_EVENTS } from "../../lib/task/notify.ts";
import { MISSED, OVERLAPS } from "../../lib/task/schedule.ts";

export const id = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/).describe("ULID");
export const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .describe("ISO 8601, UTC, with milliseconds");
export const count = z.int().min(0);
export const status = z.enum(STATUSES);
export const json = z.unknown().describe("Any JSON");

export const error: z.ZodType<TaskError> = z.strictObject({
  name: z.string(),
  message: z.string(),
  code: z.union([z.string(), z.number()]).exactOptional().describe("The error's own code"),
  cause: z.lazy(() => error).exactOptional().describe("What led to it"),
  errors: z.array(z.lazy(() => error)).exactOptional().describe("The parts of an AggregateError"),
});

export const artifact = {
  name: z.string().describe("A file's name"),
  size: count.describe("Bytes"),
  type: z.string().describe("Media type"),
};

export const pause = {
  since: time,
  by: z.string().nullable().describe("The name of the token; null where the caller may not see it"),
  reason: z.string().nullable(),
};

export const delivery = {
  n: count.describe("The number of the delivery within its task"),
  event: z.enum(NOTIFY_EVENTS),
  target: count.describe("Which of the targets it is for, counted from 0"),
  origin: z.string().describe("The origin of its URL: the rest may be secret"),
  state: z.enum(["waiting", "delivered", "given_up"]),
  created_at: time,
  next_try_at: time.nullable().describe("The earliest time of the next try, while it waits"),
  tries: count,
  resent_by: z.string().nullable().describe("Who last sent it again; null if nobody did"),
  attempts: z.array(z.strictObject({
    time,
    duration_ms: count,
    http_status: z.int().nullable().describe("null where there was no answer"),
    error: z.string().nullable().describe("What went wrong; null if nothing did"),
    response: z.string().nullable().describe(
      "The beginning of the answer; null where the caller may not see it",
    ),
  })).describe("The last 30, the newest last"),
};

export const recordFields = {
  task_id: id,
  kind: z.string(),
  status,
  owner: z.string().exactOptional().describe("Who owns the task; absent if nobody does"),
  tags: z.array(z.string()).exactOptional().describe("Its tags; absent if there are none"),
  parent_id: id.exactOptional().describe("The task that created it; absent where a client did"),
  progress: z.number().min(0).max(100).nullable()
    .describe("Percent; never falls within an attempt; null while the total is unknown"),
  done: z.number().nullable(),
  total: z.number().nullable(),
  unit: z.string().nullable(),
  stage: z.string().nullable(),
  message: z.string().nullable(),
  stages: z.array(z.strictObject({
    name: z.string(),
    weight: z.number().exactOptional().describe(
      "Its share of the whole; absent where none was declared",
    ),
    done: z.number().nullable(),
    total: z.number().nullable(),
    progress: z.number().nullable(),
  })).exactOptional().describe(
    "Stages with their own progress: done, total and unit are those of the current one",
  ),
  waiting_for: z.strictObject({
    type: z.enum(["sleep", "signal", "children", "turn"]),
    name: z.string(),
    until: time.nullable().describe("When the wait ends at the latest"),
  }).exactOptional().describe("What the task waits for, while it is waiting"),
  artifacts: z.array(z.strictObject(artifact)).exactOptional().describe(
    "The files that it made; absent if there are none",
  ),
  keys: z.strictObject({
    concurrency: z.string().exactOptional(),
    rate: z.string().exactOptional(),
    debounce: z.string().exactOptional(),
  }).exactOptional().describe("The keys by which the limits of its kind count it"),
  children: z.strictObject({
    total: count,
    made: count.exactOptional().describe("How many exist so far; absent once all do"),
    completed: count,
    failed: count,
    canceled: count,
    running: count,
  }).exactOptional().describe("Its children that it waits for, counted by state"),
  result: json.describe("What the task returned; null in lists and streams"),
  error: error.nullable().describe("Why it failed, or what went wrong at the last attempt"),
  attempt: count,
  max_attempts: count,
  priority: z.int().min(-100).max(100),
  run_at: time,
  created_at: time,
  started_at: time.nullable(),
  updated_at: time.describe("When the task last yielded or changed its state"),
  finished_at: time.nullable(),
  cancel_requested: z.boolean(),
  eta_ms: z.number().nullable(),
  rate: z.number().nullable().describe("Units a second"),
  by: z.string().exactOptional().describe(
    "Who asked for the last change of its state; absent where the task or the server did it by itself",
  ),
  keep: z.union([count, z.literal("forever")]).exactOptional().describe(
    "Milliseconds that it is kept after its end; absent where its kind or the server decides",
  ),
  retried_from: id.exactOptional().describe("The completed task that this one runs again"),
  schedule_id: z.string().exactOptional().describe("The schedule that created it"),
  scheduled_for: time.exactOptional().describe("The time of the schedule that it was created for"),
  result_url: z.string().exactOptional().describe(
    "Where a result larger than 48 KiB is, relative to this server's address",
  ),
  seq: count.describe("The newest event: the SSE id of the task's stream"),
};

export const scheduleFields = {
  schedule_id: z.string(),
  kind: z.string(),
  source: z.enum(["kind", "api"]).describe(
    "Whether the definition of its kind or the API created it",
  ),
  cron: z.string(),
  zone: z.string(),
  missed: z.enum(MISSED),
  overlap: z.enum(OVERLAPS),
  jitter_ms: count,
  priority: z.int(),
  owner: z.string().exactOptional(),
  tags: z.array(z.string()).exactOptional(),
  created_at: time,
  created_by: z.string().exactOptional().describe("Who created it; absent where a kind defines it"),
  updated_at: time.describe("When its rule last changed"),
  paused: z.strictObject({
    at: time,
    by: z.string().nullable().describe("Who paused it; null where the caller may not see it"),
    reason: z.string().exactOptional(),
  }).nullable(),
  next: z.array(time).describe("The next five times; none while it is paused"),
  queued: z.array(time).describe("Times whose task waits for an earlier one to end"),
  made: count.describe("Tasks created for its times, in all"),
  skipped: count.describe("Times skipped, in all"),
  problem: z.string().nullable().describe(
    "Why it creates no task now, or why its tasks would not run",
  ),
  outcomes: z.array(z.union([
    z.strictObject({
      type: z.literal("task"),
      at: time,
      scheduled_for: time.nullable().describe("null for 'run now'"),
      task_id: id,
      status: status.nullable().describe("null once the task was removed"),
      by: z.string().exactOptional().describe("Who said 'run now'"),
    }),
    z.strictObject({
      type: z.literal("skip"),
      at: time,
      from: time,
      to: time,
      count: count.describe("How many times were skipped"),
      more: z.literal(true).exactOptional().describe("There were more: counting stopped here"),
      reason: z.enum(["missed", "overlap", "full", "paused", "refused"]),
      run: time.exactOptional().describe("The time whose task had not ended"),
      message: z.string(),
    }),
  ])).describe("The last 50, the newest last; 10 in a list"),
};

export const record = z.strictObject(recordFields) satisfies z.ZodType<TaskRecord>;
export const token = z.string().optional()
  .describe("Reads this one task for a while; only where the server has tokens");
