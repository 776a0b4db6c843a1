/**
 * The shapes that the API answers with. Tests hold each answer against them.
 *
 * @module
 */

import { z } from "zod";
import { STATUSES, type TaskError, type TaskRecord } from "../../lib/task/record.ts";
import { NOTIFY_EVENTS } from "../../lib/task/notify.ts";
import { MISSED, OVERLAPS } from "../../lib/task/schedule.ts";
import { SCOPES } from "../../lib/http/tokens.ts";

const id = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/).describe("ULID");
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .describe("ISO 8601, UTC, with milliseconds");
const count = z.int().min(0);
const status = z.enum(STATUSES);
const json = z.unknown().describe("Any JSON");

const error: z.ZodType<TaskError> = z.strictObject({
  name: z.string(),
  message: z.string(),
  code: z.union([z.string(), z.number()]).exactOptional().describe("The error's own code"),
  cause: z.lazy(() => error).exactOptional().describe("What led to it"),
  errors: z.array(z.lazy(() => error)).exactOptional().describe("The parts of an AggregateError"),
});

const artifact = {
  name: z.string().describe("A file's name"),
  size: count.describe("Bytes"),
  type: z.string().describe("Media type"),
};

const pause = {
  since: time,
  by: z.string().nullable().describe("The name of the token; null for who may not know"),
  reason: z.string().nullable(),
};

const delivery = {
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

const fields = {
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

const scheduleFields = {
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

const record = z.strictObject(fields) satisfies z.ZodType<TaskRecord>;
const token = z.string().optional()
  .describe("Reads this one task for a while; only where the server has tokens");

/** By name, as under `components/schemas`. */
export const SCHEMAS = {
  Task: record,
  TaskError: error,
  SubmittedTask: z.strictObject({ ...fields, token }),
  Submitted: z.strictObject({ task_id: id, token }),
  TaskPage: z.strictObject({ tasks: z.array(record), next_cursor: id.nullable() }),
  Counts: z.strictObject({
    ...Object.fromEntries(STATUSES.map((name) => [name, count])),
    limit: count.describe("A count as large means so many, or more"),
    partial: z.literal(true).exactOptional().describe(
      "There are more than were counted: only with an owner, tags, or for who sees some tasks alone",
    ),
  }),
  Details: z.strictObject({
    task_id: id,
    status,
    input: json,
    checkpoint: json,
    timeout_ms: count.nullable(),
    webhooks: count.describe("Whom webhooks tell of it, counted"),
    interruptions: count,
    worker: z.strictObject({
      session: z.string().optional(),
      host: z.string().optional(),
      pid: z.int().optional(),
      role: z.string().optional(),
      silent_ms: z.number().describe("Since its last sign of life"),
    }).nullable(),
    lease_ms: count,
    unavailable: z.string().nullable().describe("Why a task that waits can be run by no process"),
    waits_for: z.union([
      z.strictObject({ type: z.literal("pause"), ...pause }),
      z.strictObject({
        type: z.literal("concurrency"),
        key: z.string().nullable(),
        running: count,
        limit: count,
        until: time.nullable(),
      }),
      z.strictObject({
        type: z.literal("rate"),
        key: z.string().nullable(),
        limit: count,
        per_ms: z.number(),
        until: time,
      }),
      z.strictObject({ type: z.literal("debounce"), key: z.string(), until: time }),
    ]).nullable().describe(
      "What keeps a pending task from being started, beside those before it",
    ),
    signal_schema: json.describe("JSON Schema of the signal it waits for; null for none"),
    queue_position: count.nullable(),
    expected_start: time.nullable().describe(
      "When a pending task is likely to start, by its place in the queue and how long its kind takes; null where that cannot be told",
    ),
    trace: z.strictObject({
      attempt: count,
      points: z.array(z.unknown()),
      stages: z.array(z.unknown()),
    }).nullable().describe("How far the attempt was at which time"),
    stack: z.string().nullable().describe("Where the error was thrown; for who may 'admin'"),
  }),
  Artifacts: z.strictObject({
    artifacts: z.array(z.strictObject({
      ...artifact,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      created_at: time,
      url: z.string().describe("Its address"),
    })),
  }),
  EventPage: z.strictObject({
    events: z.array(z.strictObject({
      seq: count,
      event: z.enum(["message", "log", "output", "artifact", "step", "rewind", "complete"]),
      data: json,
    })),
    next_after: count.nullable().describe("Ask for the next page with this as 'after'"),
    trimmed: count.describe(
      "The newest log row or output that was removed, the oldest first: an 'after' below it misses some",
    ),
  }),
  Canceled: z.strictObject({
    task_id: id,
    status,
    cancel_requested: z.boolean().optional(),
  }),
  Deliveries: z.strictObject({
    targets: z.array(z.strictObject({
      target: count.describe("Its place in 'notify'"),
      origin: z.string(),
      on: z.array(z.enum(NOTIFY_EVENTS)),
    })),
    deliveries: z.array(z.strictObject(delivery)),
  }),
  Delivery: z.strictObject(delivery),
  Signaled: z.strictObject({ task_id: id, status }),
  BulkResult: z.strictObject({
    results: z.array(z.strictObject({
      task_id: id,
      ok: z.boolean(),
      status: status.optional(),
      error: z.string().optional(),
    })),
    matched: count.describe("How many there were of those named or picked"),
    refused: z.partialRecord(z.enum(STATUSES), count).describe(
      "How many it was not done to, or would not be, by their state",
    ),
    next_cursor: id.nullable().describe("There may be more: ask again with this as 'cursor'"),
    first_cursor: id.nullable().exactOptional().describe(
      "Of a dry run by filter: the 'cursor' that begins with these, and leaves out what came since",
    ),
  }),
  Schedule: z.strictObject({ ...scheduleFields, input: json }),
  SchedulePage: z.strictObject({
    schedules: z.array(z.strictObject(scheduleFields)),
    next_cursor: z.string().nullable(),
  }),
  Info: z.strictObject({
    version: z.string(),
    store: z.strictObject({
      used_bytes: count,
      free_bytes: count.describe("Within its file, for what comes"),
      log_bytes: count.describe("Of the log beside it"),
      disk_free_bytes: count.nullable().describe("Left on its disk"),
    }).nullable().describe("Of its SQLite file; null where it is none of this machine's"),
    uploads_bytes: count.nullable(),
    artifacts_bytes: count.nullable(),
    retention_ms: z.strictObject({ completed: count, failed: count, canceled: count }).describe(
      "How long tasks are kept that say nothing of it, by how they ended",
    ),
    max_keep_ms: count.describe("The longest 'keep'; 0 for no limit"),
  }),
  SignedToken: z.strictObject({ token: z.string(), expires_at: time }),
  Upload: z.strictObject({
    upload_id: id,
    size: count,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    name: z.string().nullable(),
    expires_at: time,
  }),
  Kinds: z.strictObject({
    kinds: z.array(z.strictObject({
      kind: z.string(),
      description: z.string().nullable(),
      input: json.describe("JSON Schema; null where anything goes"),
      max_attempts: count,
      timeout_ms: count.nullable(),
      concurrency: count.nullable(),
      keyed: z.boolean().describe("Whether that is so of each key"),
      debounce_ms: z.number().nullable().describe("How long a submit waits for others like it"),
      rate: z.strictObject({ limit: count, per_ms: z.number(), keyed: z.boolean() }).nullable()
        .describe("How many runs start in a time; of each key where they are keyed"),
      isolate: z.boolean(),
      hidden: z.boolean().describe("Whether the page's form leaves it out"),
      retention: z.strictObject({
        completed: count.nullable().optional(),
        failed: count.nullable().optional(),
        canceled: count.nullable().optional(),
      }).nullable().describe(
        "Milliseconds that its tasks are kept, by how they ended, null for ever; null for as long " +
          "as the server says",
      ),
      shipped: z.boolean(),
      unavailable: z.string().nullable().describe("Why no task of it can be submitted"),
      paused: z.strictObject({
        ...pause,
        running: count.describe("How many of it still run"),
      }).nullable().describe("Since when, by whom and why none of it starts; null where they do"),
    })),
    modules: z.array(z.strictObject({
      module: z.string(),
      state: z.enum(["loading", "ready", "failed"]),
      reason: z.string().nullable().describe("Why it could not be loaded"),
    })),
    limits: z.strictObject({ max_upload: count, max_body: count, lease_ms: count }),
  }),
  PausedKind: z.strictObject({
    kind: z.string(),
    paused: z.strictObject(pause).nullable(),
  }),
  Audit: z.strictObject({
    entries: z.array(z.strictObject({
      action: z.string().describe("As 'delete', 'pause' or 'resend'"),
      by: z.string().describe("Who did it, as a token's name"),
      at: time,
      task_id: id.optional().describe("The task that it was done to; absent where it was the kind"),
      schedule_id: z.string().optional().describe("The schedule that it was done to, likewise"),
      reason: z.string().optional(),
    })),
  }),
  Session: z.strictObject({
    required: z.boolean().describe("Whether anything needs a token"),
    scopes: z.array(z.enum(SCOPES)),
    elsewhere: z.literal(true).optional().describe("People sign in to the program it is part of"),
  }),
  SignedIn: z.strictObject({ scopes: z.array(z.enum(SCOPES)) }),
  Health: z.strictObject({ status: z.string() }),
  Readiness: z.strictObject({
    status: z.string(),
    kinds: z.record(z.string(), z.string()).optional().describe(
      "Each module of kinds: ready, loading, or why it failed",
    ),
  }),
  Problem: z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error: z.string().describe("The sentence, as in 'detail'"),
    field: z.string().optional().describe("The part of the request that is wrong"),
  }),
} satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;
