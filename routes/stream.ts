import { accepts } from "@std/http";
import { jittered } from "../lib/task/backoff.ts";
import { clientOf, type Principal, tasksOf } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { followTask } from "../lib/feed/follow_task.ts";
import { followMany } from "../lib/feed/follow_many.ts";
import type { Some } from "../lib/feed/selection.ts";
import { pathId, queryWords } from "../lib/http/http.ts";
import { lastEventIdOf } from "../lib/http/last_event_id.ts";
import { isFinished, type TaskRecord } from "../lib/task/record.ts";
import { encodeBytes, SSE_HEADERS } from "../lib/sse/encode.ts";
import { SseStream } from "../lib/sse/stream.ts";
import type { App, RouteContext } from "./app.ts";
import { requireTask } from "./task.ts";
import { readKinds, readLabels } from "./filter.ts";
import { requireOwner, requireTheirs } from "./theirs.ts";

/** The most ids that `?ids=` may name. */
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
  const { principal } = context;
  const labels = readLabels(context.url);
  const owner = requireOwner(principal, labels.owner);
  await requireTheirs(app, principal, "read", [...ids ?? [], ...rows]);
  const tasks = tasksOf(principal, "read");
  const submitter = typeof tasks === "object" && "submitter" in tasks ? tasks.submitter : null;
  const lastEventId = lastEventIdOf(context.request.headers, context.url);
  const { feed } = app.engine;
  return open(
    app,
    context,
    async (stream) => {
      const selection: Some = {
        ...(ids === null ? {} : { ids }),
        ...(kind === null ? {} : { kind }),
        ...labels,
        ...(owner === undefined ? {} : { owner }),
      };
      if (ids === null && submitter !== null) {
        selection.own = await feed.ownTasks.of(submitter, stream.closed);
      }
      const all = Object.keys(selection).length === 0;
      await followMany(stream, feed, { selection: all ? "all" : selection, lastEventId, rows });
    },
    ids?.length,
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
  ids = 0,
): Response {
  if (request.method === "HEAD") return new Response(null, { headers: SSE_HEADERS });
  const { config, pulse, places, log, drain } = app;
  const { expiresAt } = principal;
  const who = { name: clientOf(principal), subject: subjectOf(principal), address: client };
  const place = () => local ? () => {} : places.take(who, ids);
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

/** What the signed token is for that somebody shows; `null` for none. */
function subjectOf({ name, taskIds, owner }: Principal): string | null {
  if (name !== "") return null;
  return taskIds?.[0] === undefined ? owner && `owner ${owner}` : `task ${taskIds[0]}`;
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
