import { jsonText, pathId, queryNumber } from "../lib/http/http.ts";
import type { App, RouteContext } from "./app.ts";
import { taskNotFound } from "./task.ts";

/** `GET /tasks/{id}/events`: the stored log, output and state changes, oldest first, in pages. */
export async function getEvents(app: App, { url, params }: RouteContext): Promise<Response> {
  const id = pathId(params.id, "task");
  const after = queryNumber(url, "after", { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER });
  const limit = queryNumber(url, "limit", { fallback: 100, min: 1, max: 1000 });
  const page = await app.engine.heads.rows(id, after, limit);
  if (page === null) throw taskNotFound(id);
  const { rows, next, trimmed } = page;
  const events = rows.map(({ type, seq, json }) =>
    `{"seq":${seq},"event":"${type}","data":${json}}`
  );
  return jsonText(`{"events":[${events.join(",")}],"next_after":${next},"trimmed":${trimmed}}`);
}
