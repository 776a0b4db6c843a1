import { HttpError } from "../lib/http/errors.ts";
import { json, pathId, readJson } from "../lib/http/http.ts";
import type { Decided, Store } from "../lib/store/store.ts";
import type { App, RouteContext } from "./app.ts";

/** Tasks in one request, at the most. */
const MAX_IDS = 1000;

/** Decisions under way at once: the next commit takes them all. */
const AT_ONCE = 100;

const ACTIONS: Record<string, (store: Store, id: string) => Promise<Decided>> = {
  cancel: (store, id) => store.cancel(id),
  retry: (store, id) => store.retry(id),
  delete: (store, id) => store.remove(id),
};

/**
 * `POST /tasks/bulk`: the same for many tasks. Each is decided for itself, and the answer says what
 * came of each; unlike a cancel of one task, a cancel of many does not wait for running ones to end.
 */
export async function changeMany(app: App, { request }: RouteContext): Promise<Response> {
  const { action, ids } = readBody(await readJson(request, app.config));
  const { store } = app.engine;
  const results: unknown[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    results.push(
      ...await Promise.all(some.map(async (id) => told(id, await ACTIONS[action]!(store, id)))),
    );
  }
  return json({ results });
}

function told(task_id: string, decided: Decided) {
  if (decided.ok) {
    const status = decided.status === "asked" ? "running" : decided.status;
    return { task_id, ok: true, status };
  }
  if (decided.reason === "not-found") {
    return { task_id, ok: false, error: `There is no task ${task_id}` };
  }
  const { status } = decided;
  return { task_id, ok: false, status, error: `Task ${task_id} is ${status}` };
}

function readBody(body: unknown): { action: string; ids: string[] } {
  const { action, ids } = (body ?? {}) as Record<string, unknown>;
  if (typeof action !== "string" || !Object.hasOwn(ACTIONS, action)) {
    const names = Object.keys(ACTIONS).join(", ");
    throw new HttpError(400, `'action' must be one of ${names}`, { field: "action" });
  }
  if (
    !Array.isArray(ids) || ids.length === 0 || ids.length > MAX_IDS ||
    !ids.every((id) => typeof id === "string")
  ) {
    throw new HttpError(400, `'ids' must be a list of 1 to ${MAX_IDS} ids`, { field: "ids" });
  }
  return { action, ids: [...new Set(ids.map((id) => pathId(id, "task")))] };
}
