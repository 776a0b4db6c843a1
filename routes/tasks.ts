import { ulid } from "@std/ulid";
import { seesOwn } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { jsonText, queryNumber, queryWords, readJson } from "../lib/http/http.ts";
import { ULID } from "../lib/task/ulid.ts";
import type { ListQuery } from "../lib/kv/list.ts";
import { INSTANT, parseInstant } from "../lib/task/instant.ts";
import { type Status, STATUSES } from "../lib/task/record.ts";
import { KIND_PATTERN } from "../lib/task/define.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, NEW_TASK } from "./bodies.ts";
import { submitTask } from "./submission.ts";
import { submitted } from "./task.ts";

/** Kinds or states that a query may name. */
const MAX_WORDS = 100;

/** Characters of a text that is looked for. */
const MAX_TEXT = 200;

/** `POST /tasks`: takes in a task; 201 with the record, 200 when its key was used before. */
export async function createTask(app: App, context: RouteContext): Promise<Response> {
  const example = '{"kind":"demo","input":{}}';
  const body = checkBody(NEW_TASK, await readJson(context.request, app.config), example);
  return await submitted(app, context.request, await submitTask(app, body, context));
}

/** `GET /tasks`: newest first, in pages. */
export async function getTasks(app: App, { url, principal }: RouteContext): Promise<Response> {
  const query: ListQuery = { limit: queryNumber(url, "limit", { fallback: 50, min: 1, max: 500 }) };
  if (seesOwn(principal, "list")) query.submitter = principal.name;
  const statuses = readStatuses(url);
  if (statuses) query.statuses = statuses;
  const kinds = readKinds(url);
  if (kinds) query.kinds = kinds;
  const text = readText(url);
  if (text) query.text = text;
  const cursor = url.searchParams.get("cursor");
  if (cursor) {
    if (!ULID.test(cursor)) {
      throw new HttpError(400, "'cursor' must be the 'next_cursor' of an earlier page", {
        field: "cursor",
      });
    }
    query.before = cursor;
  }
  const since = readTime(url, "created_after");
  const until = readTime(url, "created_before");
  if (since !== null) query.since = firstIdAt(since);
  if (until !== null) {
    const end = firstIdAt(until);
    if (query.before === undefined || end < query.before) query.before = end;
  }
  const { records, next } = await app.engine.heads.list(query);
  return jsonText(`{"tasks":[${records.join(",")}],"next_cursor":${JSON.stringify(next)}}`);
}

/**
 * The different kinds that a query names; `undefined` for all.
 *
 * @throws {HttpError} 400 when one cannot be a kind, or there are too many.
 */
export function readKinds(url: URL): string[] | undefined {
  const kinds = queryWords(url, "kind", MAX_WORDS);
  if (kinds.some((kind) => !KIND_PATTERN.test(kind))) {
    throw new HttpError(400, "'kind' must be the name of a kind", { field: "kind" });
  }
  return kinds.length > 0 ? kinds : undefined;
}

function readStatuses(url: URL): Status[] | undefined {
  const statuses = queryWords(url, "status", MAX_WORDS);
  if (statuses.some((status) => !STATUSES.includes(status as Status))) {
    throw new HttpError(400, `'status' must be of ${STATUSES.join(", ")}`, { field: "status" });
  }
  return statuses.length > 0 ? statuses as Status[] : undefined;
}

function readText(url: URL): string | undefined {
  const text = url.searchParams.get("q") ?? undefined;
  if (text === undefined || [...text].length <= MAX_TEXT) return text?.trim();
  throw new HttpError(400, `'q' must be at most ${MAX_TEXT} characters`, { field: "q" });
}

/** Milliseconds since the epoch, or `null` where it is not asked for. */
function readTime(url: URL, field: string): number | null {
  const text = url.searchParams.get(field);
  if (text === null) return null;
  // A '+' in an address is a blank.
  const time = parseInstant(text.replace(/ (\d\d:\d\d)$/, "+$1"));
  if (time === null) throw new HttpError(400, `'${field}' must be ${INSTANT}`, { field });
  return Math.max(0, time);
}

/** The smallest id that a task submitted at `time` can have. */
function firstIdAt(time: number): string {
  return ulid(time).slice(0, 10) + "0".repeat(16);
}
