import { HttpError } from "../lib/errors.ts";
import { jsonText, queryNumber, readJson, ULID } from "../lib/http.ts";
import { type ListQuery, listTasks } from "../lib/list.ts";
import { type Status, STATUSES } from "../lib/record.ts";
import { shownRecord } from "../lib/stored.ts";
import { KIND_PATTERN } from "../lib/task.ts";
import type { App, RouteContext } from "./app.ts";
import { submitTask } from "./submission.ts";

/** `POST /tasks`: takes in a task; 201 with the record, 200 when its key was used before. */
export async function createTask(app: App, { request }: RouteContext): Promise<Response> {
  const body = await readJson(request, app.config);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new HttpError(400, 'The body must be an object, as {"kind":"demo","input":{}}', {
      field: "body",
    });
  }
  const { id, record, created } = await submitTask(app, body as Record<string, unknown>, request);
  const headers = { location: `/tasks/${id}` };
  if (created) return jsonText(record, 201, headers);
  const { kv } = app.engine.store;
  const stored = await app.engine.store.read(id);
  return jsonText(stored ? await shownRecord(kv, stored) : record, 200, headers);
}

/** `GET /tasks`: newest first, in pages. */
export async function getTasks(app: App, { url }: RouteContext): Promise<Response> {
  const query: ListQuery = { limit: queryNumber(url, "limit", { fallback: 50, min: 1, max: 500 }) };
  const words = (name: string) =>
    url.searchParams.getAll(name).flatMap((text) => text.split(",")).filter(Boolean);
  const statuses = words("status");
  for (const status of statuses) {
    if (!STATUSES.includes(status as Status)) {
      throw new HttpError(400, `'status' must be of ${STATUSES.join(", ")}`, { field: "status" });
    }
  }
  if (statuses.length > 0) query.statuses = statuses as Status[];
  const kinds = words("kind");
  if (kinds.some((kind) => !KIND_PATTERN.test(kind))) {
    throw new HttpError(400, "'kind' must be the name of a kind", { field: "kind" });
  }
  if (kinds.length > 0) query.kinds = kinds;
  const text = url.searchParams.get("q")?.trim();
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
  const { store } = app.engine;
  const { records, next } = await listTasks(store.kv, query, (it) => store.freshen(it));
  return jsonText(`{"tasks":[${records.join(",")}],"next_cursor":${JSON.stringify(next)}}`);
}
