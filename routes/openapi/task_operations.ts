import { z } from "zod";
import { STATUSES } from "../../lib/task/record.ts";
import { ULID } from "../../lib/task/ulid.ts";
import { BULK_CHANGE, CHANGED_TASK, NEW_TASK, SIGNAL_NAME } from "../bodies.ts";
import {
  idempotencyKey,
  instant,
  kind,
  labels,
  many,
  type Operation,
  orNone,
  text,
  whole,
} from "./operation.ts";

/** The input of a `demo`: replaced by a reference to its own schema if the server has that kind. */
export const DEMO_INPUT = z.looseObject({}).describe("The input of a demo");

export const TASK_OPERATIONS: Readonly<Record<string, Operation>> = {
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
        "W3C Trace Context: the task's runs are part of this trace. An invalid one is ignored",
      ),
    },
    writes: true,
    answers: {
      200: [
        "The task that was started with this Idempotency-Key, or that 'debounce' gave this input",
        "SubmittedTask",
      ],
      201: ["The task; 'Location' is its address", "SubmittedTask"],
      422: [
        "No such kind, or the input does not fit, or the key was used for something else",
        "Problem",
      ],
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
      200: ["The result of each", "BulkResult"],
      404: ["One of them cannot be an id", "Problem"],
    },
  },
  "GET /tasks/counts": {
    id: "countTasks",
    summary: "How many tasks there are in each state",
    query: { kind: many(kind, "Up to 100 kinds", 100), ...labels },
    answers: { 200: ["Counts", "Counts"], 400: ["A parameter is wrong", "Problem"] },
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
    description: "Counted from its end. No event reports the change.",
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
      "If-Range": text.describe("An ETag: if the file has another one, all of it is answered"),
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
    summary: "Deliveries of the task's webhooks, newest first",
    answers: { 200: ["The deliveries that are kept", "Deliveries"] },
  },
  "POST /tasks/:id/deliveries/:n/resend": {
    id: "resendDelivery",
    summary: "Send a webhook again, now",
    path: { n: whole(1, 999_999_999) },
    description: "It keeps its id. One that waits for its next try is tried at once.",
    answers: {
      202: ["It is on its way", "Delivery"],
      404: ["There is no such task, or no such delivery of it", "Problem"],
    },
  },
  "GET /tasks/:id/events": {
    id: "listEvents",
    summary: "The stored log, outputs and state changes, oldest first",
    description: "Without the outputs that a 'rewind' took back: those after its 'after'.",
    query: {
      after: whole(0, Number.MAX_SAFE_INTEGER).default(0),
      limit: whole(1, 1000).default(100),
    },
    answers: { 200: ["A page", "EventPage"], 400: ["A parameter is wrong", "Problem"] },
  },
  "POST /tasks/:id/cancel": {
    id: "cancelTask",
    summary: "Cancel a task",
    description: "One that runs is asked to stop; the answer waits for up to two seconds.",
    writes: true,
    answers: {
      200: ["It is canceled", "Canceled"],
      202: ["It was asked to stop, and has not yet", "Canceled"],
      409: ["It has already finished", "Problem"],
    },
  },
  "POST /tasks/:id/retry": {
    id: "retryTask",
    summary: "Start a finished task again",
    description: "One that failed or was canceled is pending again. One that completed keeps its " +
      "result: a new task runs it again, and names it as 'retried_from'.",
    headers: { "Idempotency-Key": idempotencyKey.describe("The same key makes one new task") },
    writes: true,
    answers: {
      200: [
        "The record; after 201, with the same Idempotency-Key, that of the new task",
        "SubmittedTask",
      ],
      201: ["The new task; 'Location' is its address", "SubmittedTask"],
      400: ["The Idempotency-Key is not valid", "Problem"],
      409: ["It is not finished", "Problem"],
      422: ["The Idempotency-Key was used for something else", "Problem"],
    },
  },
  "POST /tasks/:id/signals/:name": {
    id: "sendSignal",
    path: { name: SIGNAL_NAME },
    summary: "Send a signal that a task waits for, or will",
    description:
      "The body is any JSON: what the signal brings. A task that waits for it resumes. " +
      "The first one of a name counts.",
    body: z.unknown().describe("What the signal brings"),
    bodyOptional: true,
    writes: true,
    answers: {
      200: ["It is stored, and the task resumes if it waited for it", "Signaled"],
      400: ["The name is not valid, or the body is not JSON", "Problem"],
      409: [
        "The task is finished, already has this signal, or has too many not taken yet",
        "Problem",
      ],
      422: ["It does not fit what the task waits for", "Problem"],
    },
  },
};
