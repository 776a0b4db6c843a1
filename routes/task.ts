import { ifNoneMatch } from "@std/http";
import { deadline } from "../lib/base/deadline.ts";
import { actorOf } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { json, jsonText, pathId, readJson } from "../lib/http/http.ts";
import { isFinished, type TaskRecord } from "../lib/task/record.ts";
import type { Decided } from "../lib/store/store.ts";
import type { Head } from "../lib/kv/head.ts";
import { withLast } from "../lib/task/json_text.ts";
import type { App, RouteContext } from "./app.ts";
import { CHANGED_TASK, checkBody } from "./bodies.ts";
import { linkTo } from "./links.ts";
import { keyOf } from "./idempotency_key.ts";
import { runAgain } from "./run_again.ts";
import { requireKeep } from "./submission.ts";

export function taskNotFound(id: string): HttpError {
  return new HttpError(404, `There is no task ${id}: it was removed, or never made`);
}

/**
 * The head of the task that a request names.
 *
 * @throws {HttpError} 404 if there is no such task.
 */
export async function requireTask(app: App, id: string): Promise<Head> {
  const head = await app.engine.heads.get(id);
  if (head === null) throw taskNotFound(id);
  return head;
}

/** `GET /tasks/{id}`: the record, with its result. */
export async function getTask(app: App, { request, params }: RouteContext): Promise<Response> {
  const id = pathId(params.id, "task");
  const head = await requireTask(app, id);
  const { seq, keep } = JSON.parse(head.record) as TaskRecord;
  // A change of how long it is kept is no event.
  const etag = `"${id}-${seq}${keep === undefined ? "" : `-${keep}`}"`;
  const headers = { etag, "cache-control": "private, no-cache" };
  if (!ifNoneMatch(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return jsonText(await app.engine.heads.shown(head), 200, headers);
}

/** `POST /tasks/{id}/cancel`: at once, or in a moment ({@link App.cancelWaitMs}), or asked for. */
export async function cancelTask(app: App, context: RouteContext): Promise<Response> {
  const id = pathId(context.params.id, "task");
  const { store, hub } = app.engine;
  const waiting = new AbortController();
  // Listening before asking: the end may come before the answer.
  const ended = hub.next(id, ({ type }) => type === "complete", waiting.signal);
  try {
    const decided = refuse(await store.cancel(id, actorOf(context)), id, "canceled");
    if (decided.status === "asked") await deadline(ended, app.cancelWaitMs, () => {});
  } finally {
    waiting.abort();
  }
  const { status, cancel_requested } = JSON.parse(
    (await requireTask(app, id)).record,
  ) as TaskRecord;
  if (!isFinished(status)) return json({ task_id: id, status, cancel_requested }, 202);
  if (status === "canceled") return json({ task_id: id, status });
  throw wrongState(id, status, "canceled");
}

/**
 * `POST /tasks/{id}/retry`: a task that failed or was canceled is pending again. One that completed
 * keeps its result, and a new task does it again.
 */
export async function retryTask(app: App, context: RouteContext): Promise<Response> {
  const { request, params, principal } = context;
  const id = pathId(params.id, "task");
  const key = await keyOf(request, principal, { retried_from: id });
  const decided = await app.engine.store.retry(id, { by: actorOf(context) });
  if (!decided.ok && decided.reason === "wrong-state" && decided.status === "completed") {
    const made = await runAgain(app, await requireTask(app, id), context, key);
    return await submitted(app, request, made);
  }
  refuse(decided, id, "retried before it is finished");
  return jsonText((await requireTask(app, id)).record);
}

/** The answer to what made a task, or found the one that its Idempotency-Key made. */
export async function submitted(
  app: App,
  request: Request,
  { id, record, created }: { id: string; record: string; created: boolean },
): Promise<Response> {
  const headers = { location: linkTo(app, request, `/tasks/${id}`) };
  const token = await app.auth.taskToken(id);
  const withToken = (json: string) =>
    token === null ? json : withLast(json, "token", JSON.stringify(token));
  if (created) return jsonText(withToken(record), 201, headers);
  const { heads } = app.engine;
  const head = await heads.get(id);
  return jsonText(withToken(head ? await heads.shown(head) : record), 200, headers);
}

/** `PATCH /tasks/{id}`: how long a finished task is kept. */
export async function changeTask(
  app: App,
  { request, params }: RouteContext,
): Promise<Response> {
  const id = pathId(params.id, "task");
  const body = checkBody(CHANGED_TASK, await readJson(request, app.config), '{"keep":"forever"}');
  const keep = requireKeep(app, body.keep ?? undefined);
  refuse(await app.engine.store.keep(id, keep), id, "kept otherwise before it is finished");
  return jsonText((await requireTask(app, id)).record);
}

/** `DELETE /tasks/{id}`: a finished task, and all that belongs to it. */
export async function deleteTask(app: App, context: RouteContext): Promise<Response> {
  const id = pathId(context.params.id, "task");
  const by = actorOf(context);
  refuse(await app.engine.store.remove(id, { by }), id, "deleted before it is finished");
  app.log.info("a task was deleted", { id, by });
  return new Response(null, { status: 204 });
}

function refuse(decided: Decided, id: string, what: string): Decided & { ok: true } {
  if (decided.ok) return decided;
  if (decided.reason === "not-found") throw taskNotFound(id);
  if (decided.reason === "no-upload") {
    const { upload } = decided;
    throw new HttpError(409, `Task ${id} cannot run again: its upload ${upload} was removed`, {
      extra: { task_id: id, upload_id: upload },
    });
  }
  if (decided.reason === "has-parent") {
    const { parent } = decided;
    const sentence = `Task ${id} cannot be deleted yet: it is a child of task ${parent}, ` +
      "which has not ended";
    throw new HttpError(409, sentence, { extra: { task_id: id, parent_id: parent } });
  }
  if (decided.reason === "parent-over") {
    const { parent } = decided;
    const sentence = `Task ${id} cannot run again by itself: it is a child of task ${parent}, ` +
      "which has ended. Retry that one, or submit this one again";
    throw new HttpError(409, sentence, { extra: { task_id: id, parent_id: parent } });
  }
  throw wrongState(id, decided.status, what);
}

function wrongState(id: string, status: string, what: string): HttpError {
  return new HttpError(409, `Task ${id} is ${status}: it cannot be ${what}`, {
    // A problem's own `status` is the HTTP one.
    extra: { task_id: id, task_status: status },
  });
}
