import { HttpError } from "../lib/http/errors.ts";
import { json, readJson } from "../lib/http/http.ts";
import { actorOf } from "../lib/http/principal.ts";
import type { Pause } from "../lib/kv/paused_kinds.ts";
import { KIND_PATTERN } from "../lib/task/define.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, PAUSE } from "./bodies.ts";

/** `POST /kinds/{kind}/pause`: once the pause is committed, no process starts a task of this kind. */
export async function pauseKind(app: App, context: RouteContext): Promise<Response> {
  const { request, params } = context;
  const body = await readJson(request, app.config) ?? {};
  const { reason } = checkBody(PAUSE, body, '{"reason":"the partner is down"}');
  const kind = await requireKind(app, params.kind);
  const by = actorOf(context);
  const pause = await app.engine.pauses.pause(kind, { by, reason: reason?.trim() || null });
  return json({ kind, paused: shownPause(pause, true) });
}

/** `POST /kinds/{kind}/resume` */
export async function resumeKind(app: App, context: RouteContext): Promise<Response> {
  const kind = await requireKind(app, context.params.kind);
  await app.engine.pauses.resume(kind, actorOf(context));
  return json({ kind, paused: null });
}

/** @param inside Whether who asks may know by whom and why. */
export function shownPause({ since, by, reason }: Pause, inside: boolean) {
  return {
    since: new Date(since).toISOString(),
    by: inside ? by : null,
    reason: inside ? reason : null,
  };
}

/** A kind that some process has, that has tasks, or that was paused. */
export async function requireKind({ kinds, engine }: App, name = ""): Promise<string> {
  const { kindBook, pauses } = engine;
  const known = KIND_PATTERN.test(name) &&
    (kinds.has(name) || pauses.get(name) !== undefined || await kindBook.hasTasks(name) ||
      await kindBook.elsewhere(name) !== null);
  if (known) return name;
  throw new HttpError(404, `There is no kind '${name.slice(0, 64)}'`, { field: "kind" });
}
