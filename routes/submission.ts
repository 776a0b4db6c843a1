/**
 * Reads a request for a task, says what is wrong with it, and takes it in.
 *
 * @module
 */

import { canonical } from "../lib/http/canonical.ts";
import { HttpError } from "../lib/http/errors.ts";
import type { Submission } from "../lib/store/store.ts";
import { MAX_JSON } from "../lib/task/limits.ts";
import { byteLength } from "../lib/base/bytes.ts";
import type { App, RouteContext } from "./app.ts";

/** Milliseconds an Idempotency-Key is remembered. */
const KEY_TTL_MS = 24 * 3600_000;

/** Milliseconds: no task may be delayed further. */
const MAX_DELAY_MS = 366 * 24 * 3600_000;

/** Fields of the body of `POST /tasks`. */
const FIELDS = ["kind", "input", "priority", "delay_ms", "run_at", "max_attempts", "timeout_ms"];

/**
 * Takes in the task that `body` describes.
 *
 * @throws {HttpError} 400 or 422 naming the field that is wrong.
 */
export async function submitTask(
  app: App,
  body: Record<string, unknown>,
  { request, principal }: Pick<RouteContext, "request" | "principal">,
): Promise<{ id: string; record: string; created: boolean }> {
  for (const field of Object.keys(body)) {
    if (!FIELDS.includes(field)) {
      throw new HttpError(
        400,
        `There is no field '${field.slice(0, 64)}': there are ${FIELDS.join(", ")}`,
        {
          field: field.slice(0, 64),
        },
      );
    }
  }
  const { kind } = body;
  const task = typeof kind === "string" ? app.kinds.get(kind) : undefined;
  if (!task) {
    const known = [...app.kinds.keys()].join(", ");
    const what = typeof kind === "string"
      ? `There is no kind '${kind.slice(0, 64)}'`
      : "'kind' must be text";
    throw new HttpError(typeof kind === "string" ? 422 : 400, `${what}: there are ${known}`, {
      field: "kind",
    });
  }
  const now = app.engine.store.now();
  const whole = (field: string, min: number, max: number) => wholeNumber(body, field, min, max);
  const submission: Submission = {
    kind: task.kind,
    input: await checkedInput(task, body.input),
    priority: whole("priority", -100, 100) ?? 0,
    runAt: readRunAt(body, now),
    maxAttempts: whole("max_attempts", 1, 1000) ?? task.retry.maxAttempts,
    timeoutMs: whole("timeout_ms", 1, 2 ** 40) ?? task.timeout ?? null,
  };
  const key = request.headers.get("idempotency-key");
  if (key !== null) {
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new HttpError(400, "'Idempotency-Key' must be 1 to 255 visible ASCII characters", {
        field: "Idempotency-Key",
      });
    }
    // Each client has its own: with the key of another it gets no task of theirs.
    const own = principal.name === "" ? key : `${principal.name} ${key}`;
    submission.idempotency = { key: own, digest: await digest(body), ttlMs: KEY_TTL_MS };
  }
  const result = await app.engine.store.submit(submission);
  if (result.ok) return result;
  throw new HttpError(422, "This Idempotency-Key was used with another body", {
    field: "Idempotency-Key",
    extra: { task_id: result.id },
  });
}

async function checkedInput(
  task: { kind: string; input: unknown },
  value: unknown,
): Promise<string | null> {
  const schema = (task as import("../lib/task/define.ts").AnyTask).input;
  if (schema) {
    const result = await schema["~standard"].validate(value);
    if (result.issues) {
      const errors = result.issues.slice(0, 20).map(({ message, path = [] }) => ({
        field: ["input", ...path.map((part) => String(typeof part === "object" ? part.key : part))]
          .join("."),
        message,
      }));
      const { field, message } = errors[0]!;
      throw new HttpError(422, `'${field}' does not fit '${task.kind}': ${message}`, {
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

function wholeNumber(
  body: Record<string, unknown>,
  field: string,
  min: number,
  max: number,
): number | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new HttpError(400, `'${field}' must be a whole number from ${min} to ${max}`, { field });
}

function readRunAt(body: Record<string, unknown>, now: number): number {
  const delay = wholeNumber(body, "delay_ms", 0, MAX_DELAY_MS);
  const { run_at } = body;
  if (run_at === undefined || run_at === null) return now + (delay ?? 0);
  if (delay !== undefined) {
    throw new HttpError(400, "Only one of 'delay_ms' and 'run_at' can be given", {
      field: "run_at",
    });
  }
  const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
  const at = typeof run_at === "string" && ISO.test(run_at) ? Date.parse(run_at) : NaN;
  if (Number.isNaN(at) || at > now + MAX_DELAY_MS) {
    throw new HttpError(
      400,
      "'run_at' must be an ISO 8601 time with its zone, within a year, as 2030-01-31T08:00:00Z",
      { field: "run_at" },
    );
  }
  return Math.max(now, at);
}

/** Of the body, whatever the order of its fields. */
async function digest(body: Record<string, unknown>): Promise<string> {
  const bytes = new TextEncoder().encode(canonical(body));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
