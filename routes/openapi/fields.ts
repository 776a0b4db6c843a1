/**
 * The shapes that several answers have: of a record, an error, a file, a delivery and a schedule.
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
  by: z.string().nullable().describe("The name of the token; null for who may not know"),
  reason: z.string().nullable(),
};

export const delivery = {
  n: count.describe("Counts the deliveries of the task"),
  event: z.enum(NOTIFY_EVENTS),
  target: count.describe("Which of the targets it is for, counted from 0"),
  origin: z.string().describe("That of its address: the rest may be a secret"),
  state: z.enum(["waiting", "delivered", "given_up"]),
  created_at: time,
  next_try_at: time.nullable().describe("While it waits: not before"),
  tries: count,
  resent_by: z.string().nullable().describe("Who had it sent again last; null for nobody"),
  attempts: z.array(z.strictObject({
    time,
    duration_ms: count,
    http_status: z.int().nullable().describe("null where there was no answer"),
    error: z.string().nullable().describe("What went wrong; null for nothing"),
    response: z.string().nullable().describe("The beginning of the answer; null for outsiders"),
  })).describe("The last 30, the newest last"),
};

export const recordFields = {
  task_id: id,
  kind: z.string(),
  status,
  owner: z.string().exactOptional().describe("Whose it is; absent for nobody's"),
  tags: z.array(z.string()).exactOptional().describe("What it belongs to; absent for none"),
  parent_id: id.exactOptional().describe("The task that made it; absent where a client did"),
  progress: z.number().min(0).max(100).nullable()
    .describe("Percent; never falls within an attempt; null while the total is unknown"),
  done: z.number().nullable(),
  total: z.number().nullable(),
  unit: z.string().nullable(),
  stage: z.string().nullable(),
  message: z.string().nullable(),
  stages: z.array(z.strictObject({
    name: z.string(),
    weight: z.number().exactOptional().describe("Its part of the whole, where it was declared"),
    done: z.number().nullable(),
    total: z.number().nullable(),
    progress: z.number().nullable(),
  })).exactOptional().describe(
    "Stages that count for themselves: done, total and unit are those of the one under way",
  ),
  waiting_for: z.strictObject({
    type: z.enum(["sleep", "signal", "children", "turn"]),
    name: z.string(),
    until: time.nullable().describe("At most"),
  }).exactOptional().describe("While it is waiting: for what"),
  artifacts: z.array(z.strictObject(artifact)).exactOptional().describe(
    "The files that it made; absent for none",
  ),
  keys: z.strictObject({
    concurrency: z.string().exactOptional(),
    rate: z.string().exactOptional(),
    debounce: z.string().exactOptional(),
  }).exactOptional().describe("What its kind's limits count it by"),
  children: z.strictObject({
    total: count,
    made: count.exactOptional().describe("Those that there are so far; absent once all are made"),
    completed: count,
    failed: count,
    canceled: count,
    running: count,
  }).exactOptional().describe("How the tasks do that it has made and waits for"),
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
    "Milliseconds that it is kept after its end; absent for as long as its kind and the server say",
  ),
  retried_from: id.exactOptional().describe("The completed task that this one does again"),
  schedule_id: z.string().exactOptional().describe("The schedule that had it made"),
  scheduled_for: time.exactOptional().describe("The time of that schedule which it was made for"),
  result_url: z.string().exactOptional().describe(
    "Where a result larger than 48 KiB is, relative to this server's address",
  ),
  seq: count.describe("The newest event: the SSE id of the task's stream"),
};

export const scheduleFields = {
  schedule_id: z.string(),
  kind: z.string(),
  source: z.enum(["kind", "api"]).describe("Whether the definition of its kind has it"),
  cron: z.string(),
  zone: z.string(),
  missed: z.enum(MISSED),
  overlap: z.enum(OVERLAPS),
  jitter_ms: count,
  priority: z.int(),
  owner: z.string().exactOptional(),
  tags: z.array(z.string()).exactOptional(),
  created_at: time,
  created_by: z.string().exactOptional().describe("Who made it; absent for a kind's"),
  updated_at: time.describe("When its rule changed last"),
  paused: z.strictObject({
    at: time,
    by: z.string().nullable().describe("Who did it; null for those who may not know"),
    reason: z.string().exactOptional(),
  }).nullable(),
  next: z.array(time).describe("The next five times; none while it is paused"),
  queued: z.array(time).describe("Times whose task waits for an earlier one to end"),
  made: count.describe("Tasks made for its times, in all"),
  skipped: count.describe("Times skipped, in all"),
  problem: z.string().nullable().describe("Why it makes no task now, or why none would run"),
  outcomes: z.array(z.union([
    z.strictObject({
      type: z.literal("task"),
      at: time,
      scheduled_for: time.nullable().describe("null for 'run now'"),
      task_id: id,
      status: status.nullable().describe("null once it was removed"),
      by: z.string().exactOptional().describe("Who said 'run now'"),
    }),
    z.strictObject({
      type: z.literal("skip"),
      at: time,
      from: time,
      to: time,
      count: count.describe("Times from one to the other"),
      more: z.literal(true).exactOptional().describe("They were more: counting ended there"),
      reason: z.enum(["missed", "overlap", "full", "paused", "refused"]),
      run: time.exactOptional().describe("The time whose task had not ended"),
      message: z.string(),
    }),
  ])).describe("The last 50, the newest last; 10 in a list"),
};

export const record = z.strictObject(recordFields) satisfies z.ZodType<TaskRecord>;
export const token = z.string().optional()
  .describe("Reads this one task for a while; only where the server has tokens");
