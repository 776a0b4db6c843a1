import { ulid } from "@std/ulid";
import { HttpError } from "../lib/http/errors.ts";
import { json, queryNumber, readJson } from "../lib/http/http.ts";
import {
  type Act,
  actorOf,
  isAmong,
  isInside,
  type Principal,
  tasksOf,
} from "../lib/http/principal.ts";
import type { StoredSchedule } from "../lib/kv/schedules.ts";
import type { ScheduleSpec } from "../lib/schedule/schedules.ts";
import { timesOf } from "../lib/schedule/times.ts";
import type { Kind } from "../lib/task/kind.ts";
import { namedUploads } from "../lib/task/named_uploads.ts";
import { DEFAULT_MISSED, DEFAULT_ZONE, overlapFor } from "../lib/task/schedule.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, NEW_SCHEDULE, SCHEDULE_CHANGE } from "./bodies.ts";
import { readKinds } from "./filter.ts";
import { keyOf } from "./idempotency_key.ts";
import { linkTo } from "./links.ts";
import { shownSchedules } from "./shown_schedule.ts";
import { checkedInput, knownKind, noUpload, refuse } from "./submission.ts";
import { submitted } from "./task.ts";
import { othersUpload, requireOwner, whoseTheirs } from "./theirs.ts";

/** Outcomes shown for each schedule in a list. */
const FEW_OUTCOMES = 10;

/** Characters of a cursor, which is a schedule's id. */
const MAX_CURSOR = 128;

/** `GET /schedules`: by name, in pages. */
export async function getSchedules(
  app: App,
  { url, principal }: RouteContext,
): Promise<Response> {
  const limit = queryNumber(url, "limit", { fallback: 50, min: 1, max: 100 });
  const kinds = readKinds(url);
  const found: StoredSchedule[] = [];
  let after = url.searchParams.get("cursor") || undefined;
  if (after !== undefined && after.length > MAX_CURSOR) {
    throw new HttpError(400, "'cursor' must be the 'next_cursor' of an earlier page", {
      field: "cursor",
    });
  }
  let read = 0;
  do {
    const some = await app.engine.schedules.list({ after, limit: 100 });
    read = some.length;
    for (const schedule of some) {
      if (found.length > limit) break;
      const wanted = kinds === undefined || kinds.includes(schedule.kind);
      if (wanted && areTheirs(principal, "read", schedule)) found.push(schedule);
    }
    after = some.at(-1)?.id;
  } while (read === 100 && found.length <= limit);
  const page = found.slice(0, limit);
  return json({
    schedules: await shownSchedules(app, page, {
      outcomes: FEW_OUTCOMES,
      inside: isInside(principal),
    }),
    next_cursor: found.length > limit ? page.at(-1)!.id : null,
  });
}

/** `GET /schedules/{id}` */
export async function getSchedule(
  app: App,
  { params, principal }: RouteContext,
): Promise<Response> {
  return await shown(app, await requireSchedule(app, params.id, principal, "read"), principal);
}

/** `POST /schedules`: makes one. Its first time is the first one from now on. */
export async function createSchedule(app: App, context: RouteContext): Promise<Response> {
  const { request, principal } = context;
  const example = '{"kind":"demo","cron":"30 2 * * *","zone":"Europe/Berlin"}';
  const body = checkBody(NEW_SCHEDULE, await readJson(request, app.config), example);
  const owner = requireOwner(principal, body.owner ?? undefined);
  const missed = body.missed ?? DEFAULT_MISSED;
  const zone = body.zone ?? DEFAULT_ZONE;
  await requireTimes({ cron: body.cron, zone });
  const kind = await knownKind(app, body.kind, isInside(principal));
  const created = await app.engine.schedules.create({
    id: body.schedule_id ?? ulid(),
    kind: body.kind,
    source: "api",
    cron: body.cron,
    zone,
    missed,
    overlap: body.overlap ?? overlapFor(missed),
    jitter_ms: body.jitter_ms ?? 0,
    priority: body.priority ?? 0,
    input: await scheduledInput(app, principal, kind, body.input),
    ...(body.tags ? { tags: body.tags } : {}),
    ...whoseTheirs(principal, owner),
    by: actorOf(context),
  });
  if (created.ok) {
    const location = linkTo(app, request, `/schedules/${created.schedule.id}`);
    return await shown(app, created.schedule, principal, 201, { location });
  }
  if (created.reason === "exists") {
    const sentence = `There is already a schedule '${body.schedule_id}': change it with PATCH`;
    throw new HttpError(409, sentence, { field: "schedule_id" });
  }
  const { maxSchedules } = app.config;
  throw new HttpError(
    409,
    `There are already ${maxSchedules} schedules, the most allowed (HEADWAY_MAX_SCHEDULES)`,
  );
}

/** `PATCH /schedules/{id}`: changes it, pauses it, or ends a pause. No time that has come is lost. */
export async function changeSchedule(app: App, context: RouteContext): Promise<Response> {
  const { request, params, principal } = context;
  const example = '{"paused":true}';
  const given = checkBody(SCHEDULE_CHANGE, await readJson(request, app.config), example);
  const schedule = await requireSchedule(app, params.id, principal, "cancel");
  const { paused, reason, input, ...rest } = given;
  const fields = Object.keys(given).filter((name) => name !== "paused" && name !== "reason");
  if (schedule.source === "kind" && fields.length > 0) throw definedByKind(schedule, fields[0]!);
  if (reason !== undefined && paused !== true) {
    throw new HttpError(400, "'reason' can only be given with 'paused': true", { field: "reason" });
  }
  await requireTimes({ ...schedule, ...definedOnly(rest) });
  const spec: Partial<ScheduleSpec> = definedOnly(rest);
  if ("input" in given) {
    const kind = await knownKind(app, schedule.kind, isInside(principal));
    Object.assign(spec, { input: await scheduledInput(app, principal, kind, input) });
  }
  const by = actorOf(context);
  const pause = { by, ...(reason ? { reason } : {}) };
  // It is paused since when that was said first.
  const again = paused === true && schedule.paused !== null && reason === undefined;
  const changed = await app.engine.schedules.change(schedule.id, {
    ...(fields.length > 0 ? { spec } : {}),
    ...(paused === undefined || again ? {} : { paused: paused ? pause : null }),
    by,
  });
  if (changed === null) throw notFound(schedule.id);
  return await shown(app, changed, principal);
}

/** `DELETE /schedules/{id}`: its tasks stay. */
export async function deleteSchedule(app: App, context: RouteContext): Promise<Response> {
  const { params, principal } = context;
  const schedule = await requireSchedule(app, params.id, principal, "cancel");
  const modules = schedule.source === "kind" ? await app.engine.modules() : [];
  if (modules.some(({ kinds }) => kinds.includes(schedule.kind))) throw definedByKind(schedule);
  await app.engine.schedules.remove(schedule.id, actorOf(context));
  return new Response(null, { status: 204 });
}

/** `POST /schedules/{id}/run`: makes a task of it at once; its times stay as they are. */
export async function runSchedule(app: App, context: RouteContext): Promise<Response> {
  const { request, params, principal } = context;
  const schedule = await requireSchedule(app, params.id, principal, "cancel");
  const { id } = schedule;
  const kind = await knownKind(app, schedule.kind, isInside(principal));
  const { name, owner } = principal;
  const key = await keyOf(request, { name, owner: owner ?? null }, { schedule_id: id });
  const result = await app.engine.schedules.runNow(id, kind, {
    by: actorOf(context),
    ...(key === null ? {} : { idempotency: key }),
  });
  if (result.ok) return await submitted(app, request, result);
  if (result.reason === "not-found") throw notFound(id);
  return refuse(result.submitted);
}

async function shown(
  app: App,
  schedule: StoredSchedule,
  principal: Principal,
  status = 200,
  headers: Record<string, string> = {},
): Promise<Response> {
  const [one] = await shownSchedules(app, [schedule], { input: true, inside: isInside(principal) });
  return json(one, status, headers);
}

/** @throws {HttpError} 404 where there is none that they may do it with. */
async function requireSchedule(
  app: App,
  id: string | undefined,
  principal: Principal,
  act: Act,
): Promise<StoredSchedule> {
  const schedule = await app.engine.schedules.get(id ?? "");
  if (!schedule || !areTheirs(principal, "read", schedule)) throw notFound(id ?? "");
  if (!areTheirs(principal, act, schedule)) {
    throw new HttpError(403, "This token may not change this schedule");
  }
  return schedule;
}

/** A token that was signed for tasks opens no schedules. */
function areTheirs(principal: Principal, act: Act, schedule: StoredSchedule): boolean {
  return principal.scopes.length > 0 && isAmong(tasksOf(principal, act), "", schedule);
}

function notFound(id: string): HttpError {
  return new HttpError(404, `There is no schedule '${id.slice(0, 64)}'`);
}

function definedByKind({ kind }: StoredSchedule, field?: string): HttpError {
  const sentence = `The definition of '${kind}' has this schedule: change it there, or pause it`;
  return new HttpError(409, sentence, field === undefined ? {} : { field });
}

/** @throws {HttpError} 422 naming the field that is wrong. */
async function requireTimes(rule: { cron: string; zone: string }): Promise<void> {
  try {
    await timesOf(rule);
  } catch (error) {
    const { field, message } = error as Error & { field?: string };
    if (field === undefined) throw error;
    throw new HttpError(422, `'${field}' ${message}`, { field });
  }
}

/** As it was given: each attempt makes of it what the schema of its kind then says. */
async function scheduledInput(
  app: App,
  principal: Principal,
  kind: Kind,
  value: unknown,
): Promise<string | null> {
  const checked = await checkedInput(app, kind, value);
  const named = namedUploads(checked.input);
  const others = await othersUpload(app, principal, named);
  if (others) throw noUpload(others);
  const refusal = await app.engine.uploads.refusal(named);
  if (refusal) refuse(refusal);
  return value === undefined ? null : JSON.stringify(value);
}

/** Without the fields that were left out. */
function definedOnly<T extends object>(
  given: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
