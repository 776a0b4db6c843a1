import { json, pathId, readJson } from "../lib/http/http.ts";
import type { Decided, Store } from "../lib/store/store.ts";
import type { Status } from "../lib/task/record.ts";
import type { App, RouteContext } from "./app.ts";
import { BULK_CHANGE, type BulkAction, checkBody } from "./bodies.ts";

/** Decisions under way at once: the next commit takes them all. */
const AT_ONCE = 100;

const CHANGES: Record<BulkAction, (store: Store, id: string) => Promise<Decided>> = {
  cancel: (store, id) => store.cancel(id),
  retry: (store, id) => store.retry(id),
  delete: (store, id) => store.remove(id),
};

/**
 * `POST /tasks/bulk`: the same for many tasks. Each is decided for itself, and the answer says what
 * came of each. A retry passes over completed tasks: it takes none of their results away. Unlike a cancel of one task, a cancel of many does not wait for running ones to end.
 */
export async function changeMany(app: App, { request }: RouteContext): Promise<Response> {
  const example = '{"action":"cancel","ids":["01JD…"]}';
  const body = checkBody(BULK_CHANGE, await readJson(request, app.config), example);
  const change = CHANGES[body.action];
  const ids = [...new Set(body.ids.map((id) => pathId(id, "task")))];
  const { store } = app.engine;
  const results: Told[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    results.push(
      ...await Promise.all(some.map(async (id) => told(id, await change(store, id)))),
    );
  }
  return json({ results, refused: refusedOf(results) });
}

/** How many it was not done to, by the state that they are in. */
function refusedOf(results: readonly Told[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { ok, status } of results) {
    if (!ok && status !== undefined) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

interface Told {
  task_id: string;
  ok: boolean;
  status?: Status;
  error?: string;
}

function told(task_id: string, decided: Decided): Told {
  if (decided.ok) {
    const status = decided.status === "asked" ? "running" : decided.status;
    return { task_id, ok: true, status };
  }
  if (decided.reason === "not-found") {
    return { task_id, ok: false, error: `There is no task ${task_id}` };
  }
  if (decided.reason === "no-upload") {
    return { task_id, ok: false, error: `Its upload ${decided.upload} was removed` };
  }
  const { status } = decided;
  return { task_id, ok: false, status, error: `Task ${task_id} is ${status}` };
}
