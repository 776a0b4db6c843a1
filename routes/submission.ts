/**
 * Reads a request for a task, says what is wrong with it, and takes it in.
 *
 * @module
 */

import { HttpError } from "../lib/http/errors.ts";
import type { Store, Submission } from "../lib/store/store.ts";
import { parseInstant } from "../lib/task/instant.ts";
import { MAX_DELAY_MS, MAX_JSON } from "../lib/task/limits.ts";
import { MAX_UPLOADS, type NamedUpload, namedUploads } from "../lib/task/named_uploads.ts";
import { byteLength } from "../lib/base/bytes.ts";
import type { AnyTask } from "../lib/task/define.ts";
import type { App, RouteContext } from "./app.ts";
import type { NewTaskBody } from "./bodies.ts";
import { keyOf } from "./idempotency_key.ts";

/**
 * Takes in the task that `body` describes.
 *
 * @throws {HttpError} 400 or 422 naming the field that is wrong.
 */
export async function submitTask(
  app: App,
  body: NewTaskBody,
  { request, principal }: Pick<RouteContext, "request" | "principal">,
): Promise<{ id: string; record: string; created: boolean }> {
  const { kind, input, priority, max_attempts, timeout_ms } = body;
  const task = app.kinds.get(kind);
  if (!task) {
    const known = [...app.kinds.keys()].join(", ");
    const sentence = `There is no kind '${kind.slice(0, 64)}': there are ${known}`;
    throw new HttpError(422, sentence, { field: "kind" });
  }
  const now = app.engine.store.now();
  const json = await checkedInput(task, input);
  const submission: Submission = {
    kind: task.kind,
    input: json,
    named: namedUploads(json),
    priority: priority ?? 0,
    runAt: runAtOf(body, now),
    maxAttempts: max_attempts ?? task.retry.maxAttempts,
    timeoutMs: timeout_ms ?? task.timeout ?? null,
    ...(principal.name === "" ? {} : { submitter: principal.name }),
  };
  const key = await keyOf(request, principal, body);
  if (key !== null) submission.idempotency = key;
  return await takeIn(app.engine.store, submission);
}

/** @throws {HttpError} 422 naming what the store cannot take it with. */
export async function takeIn(
  store: Store,
  submission: Submission,
): Promise<{ id: string; record: string; created: boolean }> {
  const result = await store.submit(submission);
  if (result.ok) return result;
  if (result.reason === "no-upload") throw noUpload(result.upload);
  if (result.reason === "too-many-uploads") {
    const sentence = `'input' names more than ${MAX_UPLOADS} uploads`;
    throw new HttpError(422, sentence, { field: "input" });
  }
  throw new HttpError(422, "This Idempotency-Key was used with another body", {
    field: "Idempotency-Key",
    extra: { task_id: result.id },
  });
}

function noUpload({ id, field }: NamedUpload): HttpError {
  const which = `'${field}' names no upload that is there: '${id.slice(0, 64)}'`;
  return new HttpError(422, `${which} was removed, or never made`, { field: field! });
}

async function checkedInput(
  { kind, input: schema }: AnyTask,
  value: unknown,
): Promise<string | null> {
  if (schema) {
    const result = await schema["~standard"].validate(value);
    if (result.issues) {
      const errors = result.issues.slice(0, 20).map(({ message, path = [] }) => ({
        field: ["input", ...path.map((part) => String(typeof part === "object" ? part.key : part))]
          .join("."),
        message,
      }));
      const { field, message } = errors[0]!;
      throw new HttpError(422, `'${field}' does not fit '${kind}': ${message}`, {
        field,
        extra: { errors },
      });
    }
  }
  if (value === undefined) return null;
  const json = JSON.stringify(value);
  const size = byteLength(json);
  if (size > MAX_JSON) {
    throw new HttpError(
      413,
      `'input' is ${size} bytes of JSON and the limit is ${MAX_JSON}: send larger data to POST /uploads`,
      { field: "input" },
    );
  }
  return json;
}

/** When a task may run, milliseconds since the epoch: not in the past, not beyond a year. */
function runAtOf({ delay_ms, run_at }: NewTaskBody, now: number): number {
  const field = "run_at";
  if (run_at === undefined || run_at === null) return now + (delay_ms ?? 0);
  if (delay_ms !== undefined && delay_ms !== null) {
    throw new HttpError(400, "Only one of 'delay_ms' and 'run_at' can be given", { field });
  }
  const at = parseInstant(run_at)!;
  if (at > now + MAX_DELAY_MS) {
    throw new HttpError(400, "'run_at' must be within a year from now", { field });
  }
  return Math.max(now, at);
}
