/**
 * Reads a submit, says what is wrong with it, and takes it in.
 *
 * @module
 */

import { HttpError } from "../lib/http/errors.ts";
import { actorOf, isInside } from "../lib/http/principal.ts";
import type { Store, Submission, Submitted } from "../lib/store/store.ts";
import { StoreError } from "../lib/store/store_error.ts";
import type { Keep } from "../lib/task/retention.ts";
import { parseInstant } from "../lib/task/instant.ts";
import { MAX_JSON } from "../lib/task/limits.ts";
import { MAX_UPLOADS, type NamedUpload, namedUploads } from "../lib/task/named_uploads.ts";
import { readTraceparent } from "../lib/task/traceparent.ts";
import { activeTraceparent } from "../lib/base/otel.ts";
import { byteLength } from "../lib/base/bytes.ts";
import { deadline } from "../lib/base/deadline.ts";
import type { Checked } from "../lib/child/check_input.ts";
import { UncheckedError } from "../lib/runner/checks.ts";
import type { Kind } from "../lib/task/kind.ts";
import type { App, RouteContext } from "./app.ts";
import type { NewTaskBody } from "./bodies.ts";
import { keyOf } from "./idempotency_key.ts";
import { targetsOf } from "./notify.ts";
import { othersUpload, requireOwner, whoseTheirs } from "./theirs.ts";

/** Characters of an input that is checked before its size is. */
const MAX_CHECKED = 1024 * 1024;

/** Milliseconds that a submit waits for modules that are being loaded: one of them may have its kind. */
const LOADING_MS = 5000;

/**
 * Takes in the task that `body` describes.
 *
 * @throws {HttpError} 400 or 422 naming the field that is wrong.
 */
export async function submitTask(
  app: App,
  body: NewTaskBody,
  context: Pick<RouteContext, "request" | "principal" | "local">,
): Promise<{ id: string; record: string; created: boolean }> {
  const { request, principal } = context;
  const { kind, input, priority, max_attempts, timeout_ms, tags } = body;
  const owner = requireOwner(principal, body.owner ?? undefined);
  const known = await knownKind(app, kind, isInside(principal));
  const checked = await checkedInput(app, known, input);
  const named = namedUploads(checked.input);
  const others = await othersUpload(app, principal, named);
  if (others) throw noUpload(others);
  const now = app.engine.store.now();
  const submission: Submission = {
    kind,
    ...checked,
    named,
    priority: priority ?? 0,
    runAt: runAtOf(body, now),
    maxAttempts: max_attempts ?? known.retry.maxAttempts,
    timeoutMs: timeout_ms ?? known.timeout,
    retention: known.retention,
    keep: requireKeep(app, body.keep ?? undefined),
    ...(tags ? { tags } : {}),
    ...whoseTheirs(principal, owner),
    by: actorOf(context),
    notify: targetsOf(app, body, known),
  };
  const { debounce } = checked.keys ?? {};
  if (known.debounce && debounce !== undefined) {
    // Nobody replaces what others have submitted.
    const { owner: of = "", submitter = "" } = whoseTheirs(principal, owner);
    const runAt = Math.max(now + known.debounce.waitMs, submission.runAt);
    submission.debounced = { name: [debounce, of, submitter].join("\0"), runAt };
  }
  const key = await keyOf(request, { name: principal.name, owner: owner ?? null }, body);
  if (key !== null) submission.idempotency = key;
  return await takeIn(app.engine.store, submission, request);
}

/** @throws {HttpError} 422 where it is longer than the server lets anybody say. */
export function requireKeep(
  { config: { maxKeepMs } }: Pick<App, "config">,
  keep: Keep | undefined,
): Keep | undefined {
  if (keep === undefined || maxKeepMs === 0 || (keep !== "forever" && keep <= maxKeepMs)) {
    return keep;
  }
  throw new HttpError(422, `'keep' must be at most ${maxKeepMs} milliseconds on this server`, {
    field: "keep",
  });
}

/** @throws {HttpError} 422 naming what the store cannot take it with. */
export async function takeIn(
  store: Store,
  submission: Submission,
  { headers }: Request,
): Promise<{ id: string; record: string; created: boolean }> {
  // Where this process traces, it is part of the request's own span.
  const traceparent = activeTraceparent() ?? readTraceparent(headers.get("traceparent"));
  const result = await store.submit({ ...submission, traceparent });
  return result.ok ? result : refuse(result);
}

/** @throws {HttpError} 422 */
export function refuse(result: Exclude<Submitted, { ok: true }>): never {
  if (result.reason === "no-upload") throw noUpload(result.upload);
  if (result.reason === "too-many-uploads") {
    const sentence = `'input' names more than ${MAX_UPLOADS} uploads`;
    throw new HttpError(422, sentence, { field: "input" });
  }
  if (result.reason === "conflict") throw new StoreError({ ok: false, reason: "conflict" });
  throw new HttpError(422, "This Idempotency-Key was used with another body", {
    field: "Idempotency-Key",
    extra: { task_id: result.id },
  });
}

export function noUpload({ id, field }: NamedUpload): HttpError {
  const where = field ?? "input";
  const which = `'${where}' names an upload that does not exist: '${id.slice(0, 64)}'`;
  return new HttpError(422, `${which} was removed, or never made`, { field: where });
}

/**
 * The kind of this name, which a module may be about to describe.
 *
 * @param tellsWhy Whoever asks may know why a module failed.
 */
export async function knownKind(
  { kinds, engine: { kindBook } }: App,
  name: string,
  tellsWhy: boolean,
): Promise<Kind> {
  if (!kinds.has(name)) await deadline(kinds.loaded, LOADING_MS, () => {});
  const [module, known] = [kinds.moduleOf(name), kinds.get(name)];
  if (known && module?.state.type !== "failed") return known;
  const why = ({ reason }: { reason: string }) => tellsWhy ? `failed: ${reason}` : "failed";
  const elsewhere = await kindBook.elsewhere(name);
  if (elsewhere?.debounce) {
    throw unavailable(
      `'${name}' is debounced by a key that this process cannot compute, as it does not run the kind: submit it to one that does`,
    );
  }
  // Nobody here can check its input: each attempt does.
  if (elsewhere) return { ...elsewhere, checked: false };
  if (module?.state.type === "failed") {
    throw unavailable(`'${name}' is unavailable as ${module.name} ${why(module.state)}`);
  }
  const others = [...kinds.names()].join(", ") || "none";
  const sentence = `There is no kind '${name.slice(0, 64)}': there are ${others}`;
  for (const { name: module, state } of kinds.modules) {
    if (state.type === "loading") throw unavailable(`${sentence}; ${module} is being loaded`);
    if (state.type === "failed") {
      throw unavailable(`${sentence}; ${module} ${why(state)}`);
    }
  }
  throw new HttpError(422, sentence, { field: "kind" });
}

function unavailable(sentence: string): HttpError {
  return new HttpError(503, sentence, { field: "kind", headers: { "retry-after": "5" } });
}

/** The input to store: what the schema of its kind makes of it. */
export async function checkedInput(
  app: App,
  { kind, checked }: Kind,
  value: unknown,
): Promise<Pick<Submission, "input" | "parsed" | "keys">> {
  const json = value === undefined ? null : JSON.stringify(value);
  // What is wrong with one that is too large is worth knowing, too, but not to send much further.
  if (!checked || (json !== null && json.length > MAX_CHECKED)) requireSize(json, "");
  if (!checked) return { input: json };
  const result = await check(app, kind, json);
  if ("issues" in result) {
    const errors = result.issues.map(({ path, message }) => ({
      field: ["input", ...path].join("."),
      message,
    }));
    const { field, message } = errors[0]!;
    throw new HttpError(422, `'${field}' does not fit '${kind}': ${message}`, {
      field,
      extra: { errors },
    });
  }
  requireSize(json, "");
  requireSize(result.input, " with its defaults");
  const { input, parsed, keys } = result;
  return { input, ...(parsed ? { parsed } : {}), ...(keys ? { keys } : {}) };
}

async function check(app: App, kind: string, json: string | null): Promise<Checked> {
  try {
    return await app.engine.pools.check(kind, json);
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    const sentence = `The input of '${kind}' cannot be checked now: ${error.message}`;
    throw new HttpError(503, sentence, { field: "input", headers: { "retry-after": "5" } });
  }
}

function requireSize(json: string | null, which: string): void {
  const size = json === null ? 0 : byteLength(json);
  if (size <= MAX_JSON) return;
  throw new HttpError(
    413,
    `'input'${which} is ${size} bytes of JSON and the limit is ${MAX_JSON}: send larger data to POST /uploads`,
    { field: "input" },
  );
}

/** When a task may run, milliseconds since the epoch: not in the past. */
function runAtOf({ delay_ms, run_at }: NewTaskBody, now: number): number {
  const field = "run_at";
  if (run_at === undefined || run_at === null) return now + (delay_ms ?? 0);
  if (delay_ms !== undefined && delay_ms !== null) {
    throw new HttpError(400, "Only one of 'delay_ms' and 'run_at' can be given", { field });
  }
  return Math.max(now, parseInstant(run_at)!);
}
