/**
 * The schemas of the API's responses. Tests check each response against them.
 *
 * @module
 */

import { z } from "zod";
import { STATUSES } from "../../lib/task/record.ts";
import { NOTIFY_EVENTS } from "../../lib/task/notify.ts";
import { SCOPES } from "../../lib/http/tokens.ts";
import {
  artifact,
  count,
  delivery,
  error,
  id,
  json,
  pause,
  record,
  recordFields,
  scheduleFields,
  status,
  time,
  token,
} from "./fields.ts";

/** By name, as under `components/schemas`. */
export const SCHEMAS = {
  Task: record,
  TaskError: error,
  SubmittedTask: z.strictObject({ ...recordFields, token }),
  Submitted: z.strictObject({ task_id: id, token }),
  TaskPage: z.strictObject({ tasks: z.array(record), next_cursor: id.nullable() }),
  Counts: z.strictObject({
    ...Object.fromEntries(STATUSES.map((name) => [name, count])),
    limit: count.describe("A count that reaches it means that many, or more"),
    partial: z.literal(true).exactOptional().describe(
      "Not all were counted: only with an owner, tags, or for a caller who sees only some tasks",
    ),
  }),
  Details: z.strictObject({
    task_id: id,
    status,
    input: json,
    checkpoint: json,
    timeout_ms: count.nullable(),
    webhooks: count.describe("How many targets webhooks tell of it"),
    interruptions: count,
    worker: z.strictObject({
      session: z.string().optional(),
      host: z.string().optional(),
      pid: z.int().optional(),
      role: z.string().optional(),
      silent_ms: z.number().describe("Since its last sign of life"),
    }).nullable(),
    lease_ms: count,
    unavailable: z.string().nullable().describe("Why no process can run the waiting task"),
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
      "What keeps a pending task from starting, besides those ahead of it",
    ),
    signal_schema: json.describe("JSON Schema of the signal it waits for; null if there is none"),
    queue_position: count.nullable(),
    expected_start: time.nullable().describe(
      "When a pending task is likely to start, by its place in the queue and how long its kind takes; null where that cannot be told",
    ),
    trace: z.strictObject({
      attempt: count,
      points: z.array(z.unknown()),
      stages: z.array(z.unknown()),
    }).nullable().describe("The progress of the attempt over time"),
    stack: z.string().nullable().describe(
      "Where the error was thrown; only with the scope 'admin'",
    ),
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
    matched: count.describe("How many of the named or picked tasks exist"),
    refused: z.partialRecord(z.enum(STATUSES), count).describe(
      "How many were left alone, or would be, by their state",
    ),
    next_cursor: id.nullable().describe("There may be more: ask again with this as 'cursor'"),
    first_cursor: id.nullable().exactOptional().describe(
      "After a dry run by filter: the 'cursor' that starts with these, and leaves out newer tasks",
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
      free_bytes: count.describe("Within its file, for new data"),
      log_bytes: count.describe("Of the log beside it"),
      disk_free_bytes: count.nullable().describe("Free on its disk"),
    }).nullable().describe("Of its SQLite file; null where it is not on this machine"),
    uploads_bytes: count.nullable(),
    artifacts_bytes: count.nullable(),
    retention_ms: z.strictObject({ completed: count, failed: count, canceled: count }).describe(
      "How long tasks are kept that do not say so themselves, by how they ended",
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
      keyed: z.boolean().describe("Whether that limit counts for each key"),
      debounce_ms: z.number().nullable().describe("How long a submit waits for others like it"),
      rate: z.strictObject({ limit: count, per_ms: z.number(), keyed: z.boolean() }).nullable()
        .describe("How many runs may start in that time; for each key where it is keyed"),
      isolate: z.boolean(),
      hidden: z.boolean().describe("Whether the page's form leaves it out"),
      retention: z.strictObject({
        completed: count.nullable().optional(),
        failed: count.nullable().optional(),
        canceled: count.nullable().optional(),
      }).nullable().describe(
        "Milliseconds that its tasks are kept, by how they ended, null forever; null where the " +
          "server decides",
      ),
      shipped: z.boolean(),
      unavailable: z.string().nullable().describe("Why no task of it can be submitted"),
      paused: z.strictObject({
        ...pause,
        running: count.describe("How many of its tasks still run"),
      }).nullable().describe(
        "Since when, by whom and why its tasks do not start; null where they do",
      ),
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
      action: z.string().describe("Such as 'delete', 'pause' or 'resend'"),
      by: z.string().describe("Who did it, as a token's name"),
      at: time,
      task_id: id.optional().describe("The task that it was done to; absent where it was the kind"),
      schedule_id: z.string().optional().describe(
        "The schedule that it was done to; absent where it was none",
      ),
      reason: z.string().optional(),
    })),
  }),
  Session: z.strictObject({
    required: z.boolean().describe("Whether anything needs a token"),
    scopes: z.array(z.enum(SCOPES)),
    elsewhere: z.literal(true).optional().describe(
      "People sign in to the application it belongs to",
    ),
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
