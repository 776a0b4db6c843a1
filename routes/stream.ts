import { accepts } from "@std/http";
import { jittered } from "../lib/task/backoff.ts";
import { type Principal, seesOwn } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { followTask } from "../lib/feed/follow_task.ts";
import { cursorOnly, followMany, type Selection } from "../lib/feed/follow_many.ts";
import { pathId, queryWords } from "../lib/http/http.ts";
import { lastEventIdOf } from "../lib/http/last_event_id.ts";
import { isFinished, type TaskRecord } from "../lib/task/record.ts";
import { encodeBytes, SSE_HEADERS } from "../lib/sse/encode.ts";
import { SseStream } from "../lib/sse/stream.ts";
import type { App, RouteContext } from "./app.ts";
import { requireTask } from "./task.ts";
import { readKinds } from "./tasks.ts";

/** Ids a client may name in `?ids=`, at most. */
const MAX_IDS = 1000;

/** Tasks whose rows one stream carries, at most. */
const MAX_ROWS_OF = 20;

/** Milliseconds a client is sent away for when there is no room. */
const AWAY_MS = 15_000;

/** Milliseconds before this very program goes on reading where a stream of its own has ended. */
const LOCAL_RETRY_MS = 50;

/** `GET /tasks/{id}/stream`, and the tutorial's two other names for it. */
export async function streamOne(app: App, context: RouteContext): Promise<Response> {
  const id = pathId(context.params.id, "task");
  requireEventStream(context.request);
  const stored = await requireTask(app, id);
  const lastEventId = lastEventIdOf(context.request.headers, context.url);
  const { status, seq } = JSON.parse(stored.record) as TaskRecord;
  if (isFinished(status) && lastEventId === String(seq)) {
    // It has seen the end: only this status keeps a browser from coming again.
    return new Response(null, { status: 204 });
  }
  return open(app, context, (stream) => followTask(stream, app.engine.feed, { id, lastEventId }));
}

/** `GET /tasks/stream`: many tasks over one connection. */
export async function streamMany(app: App, context: RouteContext): Promise<Response> {
  requireEventStream(context.request);
  const ids = readIds(context.url, "ids", MAX_IDS);
  const kind = readKind(context.url);
  const rows = readIds(context.url, "rows", MAX_ROWS_OF) ?? [];
  const own = seesOwn(context.principal, "tasks");
  if (own) await requireOwn(app, context.principal, [...ids ?? [], ...rows]);
  const lastEventId = lastEventIdOf(context.request.headers, context.url);
  const { feed } = app.engine;
  return open(
    app,
    context,
    async (stream) => {
      const ofKind = kind === null ? {} : { kind };
      let selection: Selection = kind === null ? "all" : { kind };
      if (ids !== null) selection = { ids, ...ofKind };
      else if (own) {
        const tasks = await feed.ownTasks.of(context.principal.name, stream.closed);
        selection = { own: tasks, ...ofKind };
      }
      await followMany(stream, feed, { selection, lastEventId, rows });
    },
    {
      ids: ids?.length ?? 0,
      onheartbeat: () => cursorOnly(feed.hub),
    },
  );
}

/** `GET /tasks/stream-all`: the tutorial's exercise: the newest tasks, whole, once a second. */
export function streamAll(app: App, context: RouteContext): Response {
  requireEventStream(context.request);
  return open(app, context, (stream) => app.newest.follow(stream));
}

/**
 * Opens a stream. Where there is no room, or soon no server, it is opened and closed: any status but
 * 200 would end a browser's retries for good.
 */
function open(
  app: App,
  { client, request, principal, local }: RouteContext,
  feed: (stream: SseStream) => Promise<void>,
  { ids = 0, onheartbeat }: { ids?: number; onheartbeat?: () => Uint8Array } = {},
): Response {
  if (request.method === "HEAD") return new Response(null, { headers: SSE_HEADERS });
  const { config, pulse, places, log, drain } = app;
  const { name, taskIds, expiresAt } = principal;
  const taskId = taskIds?.[0] ?? null;
  const place = () => local ? () => {} : places.take({ name, taskId, address: client }, ids);
  const leave = drain === null ? place() : null;
  if (leave === null) {
    app.metrics.turnedAway++;
    const retry = drain?.retryMs() ?? jittered(AWAY_MS, 0.5);
    return new Response(encodeBytes({ retry }), { headers: SSE_HEADERS });
  }
  const stream = new SseStream({
    pulse,
    heartbeatMs: config.heartbeatMs,
    lifeMs: local ? 0 : config.streamLifeMs,
    // Then the client comes again, and is told that it may no longer.
    endsInMs: expiresAt === null ? Infinity : expiresAt - Date.now(),
    retryMs: local ? LOCAL_RETRY_MS : config.retryMs,
    queue: config.streamQueue,
    ...(onheartbeat ? { onheartbeat } : {}),
  });
  stream.closed.addEventListener("abort", leave);
  const stop = app.auth.onSignOut(principal, () => stream.end("life"));
  stream.closed.addEventListener("abort", stop);
  if (stream.ended !== null) return new Response(stream.body, { headers: SSE_HEADERS });
  feed(stream).catch((error) => {
    // Nobody waits for it: it may not be read on, or the store be closed.
    if (stream.ended !== null) return;
    log.error("a stream could not be fed", { error });
    // The client comes again and goes on where it was.
    stream.end();
  });
  return new Response(stream.body, { headers: SSE_HEADERS });
}

function requireEventStream(request: Request): void {
  if (accepts(request, "text/event-stream") === undefined) {
    throw new HttpError(406, "This is a text/event-stream, which 'Accept' excludes", {
      field: "Accept",
    });
  }
}

/**
 * Refuses what a client does not see that sees its own tasks alone.
 *
 * @throws {HttpError} 403, whether there is such a task or not.
 */
async function requireOwn(
  { engine: { heads } }: App,
  { name }: Principal,
  ids: readonly string[],
): Promise<void> {
  const entries = await heads.getMany(ids);
  if (entries.every(({ value }) => value?.submitter === name)) return;
  throw new HttpError(403, "This needs the scope 'read', which the token does not have", {
    extra: { scope: "read" },
  });
}

/** @throws {HttpError} 400 when there is more than one. */
function readKind(url: URL): string | null {
  const [kind, ...others] = readKinds(url) ?? [];
  if (others.length === 0) return kind ?? null;
  throw new HttpError(400, "'kind' must be the name of one kind", { field: "kind" });
}

function readIds(url: URL, field: string, max: number): string[] | null {
  if (!url.searchParams.has(field)) return null;
  // The same id may be written in two ways.
  const ids = new Set(queryWords(url, field, max).map((id) => pathId(id, "task")));
  if (ids.size > 0) return [...ids];
  throw new HttpError(400, `'${field}' must be 1 to ${max} ids, separated by commas`, { field });
}
