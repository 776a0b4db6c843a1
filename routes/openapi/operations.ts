/**
 * What each route of the table takes and answers, in words. What the table itself says (who may),
 * and what follows from it, is added in `document.ts`.
 *
 * @module
 */

import { z } from "zod";
import { STATUSES } from "../../lib/task/record.ts";
import { KIND_PATTERN } from "../../lib/task/define.ts";
import { ULID } from "../../lib/task/ulid.ts";
import { MAX_TAGS, NO_PARENT } from "../../lib/task/labels.ts";
import {
  BULK_CHANGE,
  CHANGED_TASK,
  CREDENTIALS,
  NEW_SCHEDULE,
  NEW_TASK,
  NEW_TOKEN,
  OWNER,
  PAUSE,
  SCHEDULE_CHANGE,
  SIGNAL_NAME,
  TAG,
} from "../bodies.ts";
import type { SchemaName } from "./schemas.ts";

/** An answer: what it means, and its body, where it has one: JSON of a shape, or a media type. */
export type Answer = readonly [description: string, body?: SchemaName | MediaType];

type MediaType = `${string}/${string}`;

/** A parameter: its schema with a description. */
type Parameters = Record<string, z.ZodType>;

/** What is said of a route. */
export interface Operation {
  /** Names it in generated clients. */
  id: string;
  summary: string;
  /** What a caller should know beside. */
  description?: string;
  query?: Parameters;
  /** Those of them that must be there. */
  required?: readonly string[];
  headers?: Parameters;
  /** Parts of the path that are not any text. */
  path?: Record<string, z.ZodType>;
  /** The body's JSON, or `"bytes"`. */
  body?: z.ZodType | "bytes";
  /** A request without a body is fine. */
  bodyOptional?: boolean;
  /** It writes into the store. */
  writes?: boolean;
  /** By status, beside those that follow from the table. */
  answers: Record<number, Answer>;
}

const text = z.string();
const SSE = "text/event-stream";
const whole = (min: number, max: number) => z.int().min(min).max(max);
/** RFC 3339, by patterns: a format alone tells most programs nothing. */
export const INSTANT = z.union([
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
]);
const instant = INSTANT.describe(
  "ISO 8601 with its zone, as 2026-01-31T12:00:00Z",
);
const many = (word: z.ZodType, of: string, max: number) =>
  z.array(word).max(max).describe(`${of}, separated by commas`);
/** What is empty counts as not given. */
const orNone = ({ source }: RegExp) =>
  z.string().regex(new RegExp(`^(?:${source.slice(1, -1)})?$`));
const kind = z.string().regex(KIND_PATTERN);

/** A task's, in either case. */
export const ANY_ID = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/);

const labels = {
  owner: OWNER.describe("The tasks of this owner"),
  tag: many(TAG, "Up to 20 tags: tasks that have each of them", MAX_TAGS),
  parent: z.union([z.literal(NO_PARENT), ANY_ID])
    .describe("The children of this task; none for tasks that are nobody's"),
};

/** The input of a `demo`, where there are some. */
export const DEMO_INPUT = z.looseObject({}).describe("The input of a demo");

const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/);

const lastEventId = {
  headers: { "Last-Event-ID": text.describe("Goes on behind this event") },
  query: {
    last_event_id: text.describe("The same, for a first connect; the other two win"),
    lastEventId: text.describe("The same, as polyfills name it; the header wins"),
  },
};

const streamOne = (id: string): Operation => ({
  id,
  summary: "Follow a task live",
  description: "Server-Sent Events: 'message' with the record at each change, 'log', 'output', " +
    "'rewind' (outputs behind its 'after' that came before no longer count), " +
    "'reset' (forget what you have: everything that is kept follows), and 'complete' once, at the end.",
  ...lastEventId,
  answers: {
    200: ["Events, to the task's end", SSE],
    204: ["The client has seen the end: a browser comes no more"],
    406: ["'Accept' excludes text/event-stream", "Problem"],
  },
});

/** The client for other people's pages and programs. */
function clientFiles(): Record<string, Operation> {
  const files = { client: "Client", "headway-progress": "Progress", "use-task": "UseTask" };
  const entries = Object.entries(files).flatMap(([name, id]) =>
    [["js", "text/javascript"], ["d.ts", "application/typescript"]].map(([end, type]) => {
      const operation: Operation = {
        id: `get${id}${end === "js" ? "" : "Types"}`,
        summary: `The client: ${name}.${end}`,
        headers: { "If-None-Match": text.describe("An ETag") },
        answers: { 200: ["A module", type as Answer[1] & string], 304: ["Unchanged"] },
      };
      return [`GET /${name}.${end}`, operation];
    })
  );
  return Object.fromEntries(entries);
}

const NO_SCHEDULE: Answer = ["There is no such schedule", "Problem"];

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /": {
    id: "getPage",
    summary: "The page",
    answers: { 200: ["HTML", "text/html"] },
  },
  "GET /login": {
    id: "getSession",
    summary: "Whether a token is needed, and what the page's session opens",
    answers: { 200: ["What it is", "Session"] },
  },
  "POST /login": {
    id: "signIn",
    summary: "Begin a session of the page, in a cookie",
    body: CREDENTIALS,
    answers: {
      200: ["With 'Set-Cookie'", "SignedIn"],
      401: ["There is no such token", "Problem"],
      409: ["This server needs no token", "Problem"],
      429: ["Too many tries", "Problem"],
    },
  },
  "POST /logout": {
    id: "signOut",
    summary: "End the session and its streams",
    answers: {
      204: ["It is over, and the cookie taken back"],
      503: ["It is over here, but not stored: other processes may not hear of it", "Problem"],
    },
  },
  "POST /submit": {
    id: "submitDemo",
    summary: "Start a 'demo'",
    body: DEMO_INPUT,
    bodyOptional: true,
    headers: {
      "Idempotency-Key": idempotencyKey.describe("The same key and body give the same task"),
    },
    writes: true,
    answers: {
      200: ["The task", "Submitted"],
      422: ["The input does not fit, or the key was used with another body", "Problem"],
    },
  },
  "GET /tasks": {
    id: "listTasks",
    summary: "List tasks, newest first",
    query: {
      status: many(z.enum(STATUSES), `Of ${STATUSES.join(", ")}`, 100),
      kind: many(kind, "Up to 100 kinds", 100),
      ...labels,
      q: text.max(200).describe("Up to 200 characters, found in id, kind, message, stage or error"),
      created_after: instant,
      created_before: instant,
      limit: whole(1, 500).default(50),
      cursor: orNone(ULID).describe("'next_cursor' of an earlier page"),
    },
    answers: { 200: ["A page", "TaskPage"], 400: ["A parameter is wrong", "Problem"] },
  },
  "POST /tasks": {
    id: "createTask",
    summary: "Start a task",
    body: NEW_TASK,
    headers: {
      "Idempotency-Key": idempotencyKey.describe("The same key and body give the same task"),
      "traceparent": z.string().describe(
        "W3C Trace Context: the task's runs are part of this trace. One that is none is ignored",
      ),
    },
    writes: true,
    answers: {
      200: [
        "The task that was started with this Idempotency-Key, or that has its input now by 'debounce'",
        "SubmittedTask",
      ],
      201: ["The task; 'Location' is its address", "SubmittedTask"],
      422: ["No such kind, or the input does not fit, or the key was used otherwise", "Problem"],
    },
  },
  "POST /tasks/bulk": {
    id: "changeTasks",
    summary: "Cancel, retry or delete many tasks",
    description: "Each is decided for itself. A retry takes those that failed or were canceled. " +
      "A cancel does not wait for running tasks to end. With a filter one request takes up to " +
      "1,000 tasks, the newest first.",
    body: BULK_CHANGE,
    writes: true,
    answers: {
      200: ["What came of each", "BulkResult"],
      404: ["One of them cannot be an id", "Problem"],
    },
  },
  "GET /tasks/counts": {
    id: "countTasks",
    summary: "How many tasks there are in each state",
    query: { kind: many(kind, "Up to 100 kinds", 100), ...labels },
    answers: { 200: ["Counts", "Counts"], 400: ["A parameter is wrong", "Problem"] },
  },
  "GET /tasks/stream": {
    id: "streamTasks",
    summary: "Follow many tasks over one connection",
    description:
      "Server-Sent Events: a 'snapshot' (or 'reset', to a resume that cannot be), then " +
      "'message', 'complete' and 'deleted'; with 'rows' also 'log', 'output' and 'rewind'.",
    headers: lastEventId.headers,
    query: {
      ids: many(ANY_ID, "Up to 1,000 tasks", 1000).min(1),
      kind: orNone(KIND_PATTERN).describe("Those of one kind"),
      ...labels,
      rows: many(ANY_ID, "Up to 20 tasks whose log and output rows are wanted", 20).min(1),
      ...lastEventId.query,
    },
    answers: {
      200: ["Events", SSE],
      400: ["A parameter is wrong", "Problem"],
      404: ["One of them cannot be an id", "Problem"],
      406: ["'Accept' excludes text/event-stream", "Problem"],
    },
  },
  "GET /tasks/stream-all": {
    id: "streamNewest",
    summary: "The newest 100 tasks, whole, at most once a second",
    answers: {
      200: ["Events", SSE],
      406: ["'Accept' excludes text/event-stream", "Problem"],
    },
  },
  "GET /tasks/:id": {
    id: "getTask",
    summary: "A task, with its result",
    headers: { "If-None-Match": text.describe("An ETag") },
    answers: { 200: ["The record; 'ETag' changes with it", "Task"], 304: ["Unchanged"] },
  },
  "PATCH /tasks/:id": {
    id: "changeTask",
    summary: "Say how long a finished task is kept",
    description: "Counted from its end. It is told by no event.",
    body: CHANGED_TASK,
    writes: true,
    answers: {
      200: ["The record", "Task"],
      409: ["It is not finished", "Problem"],
      422: ["Longer than HEADWAY_MAX_KEEP_MS", "Problem"],
    },
  },
  "DELETE /tasks/:id": {
    id: "deleteTask",
    summary: "Remove a finished task",
    writes: true,
    answers: { 204: ["It is gone"], 409: ["It is not finished", "Problem"] },
  },
  "GET /tasks/:id/details": {
    id: "getDetails",
    summary: "Input, checkpoint, queue position, and the process that runs it",
    answers: { 200: ["What the record leaves out", "Details"] },
  },
  "GET /tasks/:id/artifacts": {
    id: "listArtifacts",
    summary: "The files that a task made",
    answers: { 200: ["By name, with their addresses", "Artifacts"] },
  },
  "GET /tasks/:id/artifacts/:name": {
    id: "getArtifact",
    summary: "A file that a task made",
    headers: {
      "If-None-Match": text.describe("An ETag"),
      "Range": text.describe("One part of it, as bytes=0-999"),
      "If-Range": text.describe("An ETag: of another file all is answered"),
    },
    answers: {
      200: ["Its bytes, to be saved", "*/*"],
      206: ["The part that was asked for", "*/*"],
      304: ["Unchanged"],
      404: ["There is no such task, or no such file of it", "Problem"],
      416: ["It has no such part", "Problem"],
    },
  },
  "GET /tasks/:id/deliveries": {
    id: "listDeliveries",
    summary: "What webhooks have told of the task, the newest first",
    answers: { 200: ["Those that are kept", "Deliveries"] },
  },
  "POST /tasks/:id/deliveries/:n/resend": {
    id: "resendDelivery",
    summary: "Sends a webhook again, now",
    path: { n: whole(1, 999_999_999) },
    description: "Under the id that it had. One that waits for its next try is tried at once.",
    answers: {
      202: ["It is on its way", "Delivery"],
      404: ["There is no such task, or no such delivery of it", "Problem"],
    },
  },
  "GET /tasks/:id/events": {
    id: "listEvents",
    summary: "The stored log, outputs and state changes, oldest first",
    description: "Without the outputs that a 'rewind' took back: those behind its 'after'.",
    query: {
      after: whole(0, Number.MAX_SAFE_INTEGER).default(0),
      limit: whole(1, 1000).default(100),
    },
    answers: { 200: ["A page", "EventPage"], 400: ["A parameter is wrong", "Problem"] },
  },
  "GET /tasks/:id/stream": streamOne("streamTask"),
  "GET /tasks/:id/stream-with-heartbeat": streamOne("streamTaskWithHeartbeat"),
  "GET /tasks/:id/stream-with-id": streamOne("streamTaskWithId"),
  "POST /tasks/:id/cancel": {
    id: "cancelTask",
    summary: "Cancel a task",
    description: "One that runs is asked to stop; the answer waits for up to two seconds.",
    writes: true,
    answers: {
      200: ["It is canceled", "Canceled"],
      202: ["It was asked to stop, and has not yet", "Canceled"],
      409: ["It was finished", "Problem"],
    },
  },
  "POST /tasks/:id/retry": {
    id: "retryTask",
    summary: "Start a finished task again",
    description: "One that failed or was canceled is pending again. One that completed keeps its " +
      "result: a new task does it again, and names it as 'retried_from'.",
    headers: { "Idempotency-Key": idempotencyKey.describe("The same key makes one new task") },
    writes: true,
    answers: {
      200: [
        "The record; after 201, with the same Idempotency-Key, that of the new task",
        "SubmittedTask",
      ],
      201: ["The new task; 'Location' is its address", "SubmittedTask"],
      400: ["The Idempotency-Key cannot be one", "Problem"],
      409: ["It is not finished", "Problem"],
      422: ["The Idempotency-Key was used otherwise", "Problem"],
    },
  },
  "POST /tasks/:id/signals/:name": {
    id: "sendSignal",
    path: { name: SIGNAL_NAME },
    summary: "Send a signal that a task waits for, or will",
    description:
      "The body is any JSON: what the signal brings. A task that waits for it goes on. " +
      "The first one of a name counts.",
    body: z.unknown().describe("What the signal brings"),
    bodyOptional: true,
    writes: true,
    answers: {
      200: ["It is kept, and the task goes on if it waited for it", "Signaled"],
      400: ["The name cannot be one, or the body is not JSON", "Problem"],
      409: ["The task is finished, has this signal, or has too many to take", "Problem"],
      422: ["It does not fit what the task waits for", "Problem"],
    },
  },
  "GET /schedules": {
    id: "listSchedules",
    summary: "List schedules, by name",
    query: {
      kind: many(kind, "Up to 100 kinds", 100),
      limit: whole(1, 100).default(50),
      cursor: text.describe("'next_cursor' of an earlier page"),
    },
    answers: { 200: ["A page", "SchedulePage"], 400: ["A parameter is wrong", "Problem"] },
  },
  "POST /schedules": {
    id: "createSchedule",
    summary: "Have tasks made at the times of a cron pattern",
    description: "Each time has its task once, on any number of machines. Its first time is the " +
      "first one from now on.",
    body: NEW_SCHEDULE,
    writes: true,
    answers: {
      201: ["The schedule; 'Location' is its address", "Schedule"],
      409: ["There is one of this name, or there are too many", "Problem"],
      422: ["No such kind, pattern or zone, or the input does not fit", "Problem"],
    },
  },
  "GET /schedules/:id": {
    id: "getSchedule",
    summary: "A schedule, with its input and its last outcomes",
    answers: { 200: ["The schedule", "Schedule"], 404: NO_SCHEDULE },
  },
  "PATCH /schedules/:id": {
    id: "changeSchedule",
    summary: "Change, pause or resume a schedule",
    description:
      "What is left out stays. Times that came before a change have their tasks; those " +
      "that come during a pause have none. The schedule of a kind can only be paused.",
    body: SCHEDULE_CHANGE,
    writes: true,
    answers: {
      200: ["The schedule", "Schedule"],
      404: NO_SCHEDULE,
      409: ["The definition of its kind has it", "Problem"],
      422: ["No such pattern or zone, or the input does not fit", "Problem"],
    },
  },
  "DELETE /schedules/:id": {
    id: "deleteSchedule",
    summary: "Remove a schedule; its tasks stay",
    writes: true,
    answers: {
      204: ["It is gone"],
      404: NO_SCHEDULE,
      409: ["The definition of its kind has it", "Problem"],
    },
  },
  "POST /schedules/:id/run": {
    id: "runSchedule",
    summary: "Make a task of a schedule now",
    description: "Its times stay as they are, and a task under way does not hinder it.",
    headers: { "Idempotency-Key": idempotencyKey.describe("The same key gives the same task") },
    writes: true,
    answers: {
      200: ["The task that was made with this Idempotency-Key", "SubmittedTask"],
      201: ["The task; 'Location' is its address", "SubmittedTask"],
      400: ["The Idempotency-Key cannot be one", "Problem"],
      404: NO_SCHEDULE,
      422: ["Its input names an upload that is gone, or the key was used otherwise", "Problem"],
    },
  },
  "POST /tokens": {
    id: "createToken",
    summary: "Make a token for one task, or for the tasks of an owner",
    description: "It expires. Nobody can hand on what they may not do themselves.",
    body: NEW_TOKEN,
    answers: {
      200: ["The token, and until when it is valid", "SignedToken"],
      404: ["It cannot be the id of a task", "Problem"],
      409: ["This server needs no token", "Problem"],
    },
  },
  "POST /uploads": {
    id: "createUpload",
    summary: "Store a file for a task to read, for a day",
    description: "The body may be packed, with 'Content-Encoding: gzip': it is stored unpacked.",
    body: "bytes",
    bodyOptional: true,
    query: {
      name: text.describe("A file name"),
      owner: OWNER.describe("Whose it is: theirs who ask, where they have one"),
    },
    headers: { "X-Filename": text.describe("The same, percent-encoded") },
    writes: true,
    answers: {
      201: ["What a task's input may name", "Upload"],
      507: ["There is no room for it: 'bound' says what it would go beyond", "Problem"],
    },
  },
  "GET /kinds": {
    id: "listKinds",
    summary: "The kinds of tasks there are, with their inputs",
    answers: { 200: ["Kinds and limits", "Kinds"] },
  },
  "POST /kinds/:kind/pause": {
    id: "pauseKind",
    summary: "Have no task of a kind start",
    description: "What runs goes on; 'running' of 'GET /kinds' tells how many that are. " +
      "It holds for all processes until it is resumed, over restarts.",
    path: { kind: kind.describe("The kind's name") },
    body: PAUSE,
    bodyOptional: true,
    writes: true,
    answers: {
      200: ["It is paused", "PausedKind"],
      404: ["There is no such kind", "Problem"],
    },
  },
  "POST /kinds/:kind/resume": {
    id: "resumeKind",
    summary: "Let tasks of a kind start again",
    path: { kind: kind.describe("The kind's name") },
    writes: true,
    answers: {
      200: ["It is not paused, or no longer", "PausedKind"],
      404: ["There is no such kind", "Problem"],
    },
  },
  "GET /kinds/:kind/audit": {
    id: "getAudit",
    summary: "Who changed a kind, and who deleted tasks of it: the newest 200 of each",
    query: { limit: whole(1, 400).default(50) },
    path: { kind },
    answers: { 200: ["The newest first", "Audit"], 400: ["A parameter is wrong", "Problem"] },
  },
  "GET /healthz": {
    id: "getHealth",
    summary: "Whether the process answers",
    answers: { 200: ["It does", "Health"] },
  },
  "GET /readyz": {
    id: "getReady",
    summary: "Whether it can do its work",
    answers: {
      200: ["It can", "Readiness"],
      503: [
        "It stops, the store takes no writes, or no module of kinds can be loaded: send requests elsewhere",
        "Readiness",
      ],
    },
  },
  "GET /metrics": {
    id: "getMetrics",
    summary: "Figures, as Prometheus reads them",
    answers: { 200: ["Text, version 0.0.4", "text/plain"] },
  },
  "GET /info": {
    id: "getInfo",
    summary: "How large the store is, and how long it keeps what is over",
    answers: { 200: ["Sizes and bounds", "Info"] },
  },
  "GET /openapi.json": {
    id: "getOpenApi",
    summary: "This description",
    answers: { 200: ["OpenAPI 3.1", "application/json"] },
  },
  "GET /docs": {
    id: "getDocs",
    summary: "This description, to read",
    answers: { 200: ["HTML", "text/html"] },
  },
  "GET /icon.svg": {
    id: "getIcon",
    summary: "The sign of a tab that shows such a task",
    query: { status: z.enum(STATUSES), progress: whole(0, 100).default(0) },
    required: ["status"],
    answers: {
      200: ["A ring that fills", "image/svg+xml"],
      400: ["A parameter is wrong", "Problem"],
    },
  },
  ...clientFiles(),
  "GET /static/i18n/:file": {
    id: "getStrings",
    summary: "The words of the page in a language",
    headers: { "If-None-Match": text.describe("An ETag") },
    answers: {
      200: ["A module", "*/*"],
      304: ["Unchanged"],
      404: ["There is no such language", "Problem"],
    },
  },
  "GET /static/:file": {
    id: "getStatic",
    summary: "Script, style and icon of the page",
    headers: { "If-None-Match": text.describe("An ETag") },
    answers: {
      200: ["A file", "*/*"],
      304: ["Unchanged"],
      404: ["There is none of this name", "Problem"],
    },
  },
};
