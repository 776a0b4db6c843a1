import { jsonText, queryNumber, readJson } from "../lib/http/http.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, NEW_TASK } from "./bodies.ts";
import { behind, readFilter } from "./filter.ts";
import { submitTask } from "./submission.ts";
import { submitted } from "./task.ts";
import { ofTheirs } from "./theirs.ts";

/** `POST /tasks`: submits a task; 201 with the record, or 200 if its key was used before. */
export async function createTask(app: App, context: RouteContext): Promise<Response> {
  const example = '{"kind":"demo","input":{}}';
  const body = checkBody(NEW_TASK, await readJson(context.request, app.config), example);
  return await submitted(app, context.request, await submitTask(app, body, context));
}

/** `GET /tasks`: newest first, in pages. */
export async function getTasks(app: App, { url, principal }: RouteContext): Promise<Response> {
  const limit = queryNumber(url, "limit", { fallback: 50, min: 1, max: 500 });
  const filter = behind(readFilter(url), url.searchParams.get("cursor"));
  const query = ofTheirs({ ...filter, limit }, principal, "read");
  const { records, next } = await app.engine.heads.list(query);
  return jsonText(`{"tasks":[${records.join(",")}],"next_cursor":${JSON.stringify(next)}}`);
}
