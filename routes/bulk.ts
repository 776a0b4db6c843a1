import { json, pathId, readJson } from "../lib/http/http.ts";
import { HttpError } from "../lib/http/errors.ts";
import { actorOf, type Principal } from "../lib/http/principal.ts";
import type { Decided, Store } from "../lib/store/store.ts";
import { idOf, statusOf } from "../lib/task/json_text.ts";
import { isFinished, type Status } from "../lib/task/record.ts";
import type { App, RouteContext } from "./app.ts";
import { BULK_CHANGE, type BulkAction, type BulkBody, checkBody, MAX_IDS } from "./bodies.ts";
import { behind, filterOf } from "./filter.ts";
import { areTheirs, ofTheirs } from "./theirs.ts";

/** Decisions under way at once: the next commit takes them all. */
const AT_ONCE = 100;

/** Pages of tasks that one request looks through. */
const PAGES = 10;

const CHANGES: Record<BulkAction, (store: Store, id: string, by: string) => Promise<Decided>> = {
  cancel: (store, id, by) => store.cancel(id, by),
  retry: (store, id, by) => store.retry(id, { by }),
  delete: (store, id, by) => store.remove(id, { by }),
};

/** Whether an action may be done to a task in this state. */
const MAY: Record<BulkAction, (status: Status) => boolean> = {
  cancel: (status) => !isFinished(status),
  retry: (status) => status === "failed" || status === "canceled",
  delete: isFinished,
};

const NOT_FOUND: Decided = { ok: false, reason: "not-found" };

/** What a request is about: the tasks, their states as far as they are known, and what follows. */
interface Picked {
  ids: string[];
  /** How many there are in each state. */
  statuses: Partial<Record<Status, number>>;
  /** Ask again with this as `cursor`; `null` where nothing follows. */
  next: string | null;
}

/**
 * `POST /tasks/bulk`: the same for many tasks, named or picked by a filter. Each is decided for
 * itself, and the answer says what came of each. A retry passes over completed tasks: it takes none
 * of their results away. Unlike a cancel of one task, a cancel of many does not wait for running ones
 * to end. A dry run says what would come of it, and does nothing.
 */
export async function changeMany(app: App, context: RouteContext): Promise<Response> {
  const { request, principal } = context;
  const example = '{"action":"cancel","ids":["01JD…"]}';
  const body = checkBody(BULK_CHANGE, await readJson(request, app.config), example);
  const { action, dry_run = false } = body;
  const { ids, statuses, next } = await picked(app, body, principal);
  if (dry_run) {
    const matched = Object.values(statuses).reduce((sum, count) => sum + count, 0);
    const refused = wouldRefuse(action, statuses);
    return json({ results: [], matched, refused, next_cursor: next });
  }
  const change = CHANGES[action];
  const { store } = app.engine;
  const by = actorOf(context);
  const results: Told[] = [];
  let matched = 0;
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const theirs = await areTheirs(app, principal, "change", some);
    results.push(
      ...await Promise.all(some.map(async (id, n) => {
        // Of another's it does not tell that it is there.
        const decided = theirs[n] ? await change(store, id, by) : NOT_FOUND;
        if (decided.ok || decided.reason !== "not-found") matched++;
        return told(id, decided);
      })),
    );
  }
  if (action === "delete") {
    const count = results.filter(({ ok }) => ok).length;
    app.log.info("tasks were deleted", { count, by });
  }
  return json({ results, matched, refused: refusedOf(results), next_cursor: next });
}

async function picked(app: App, body: BulkBody, principal: Principal): Promise<Picked> {
  const { ids, filter, cursor, dry_run } = body;
  if ((ids === undefined) === (filter === undefined)) {
    throw new HttpError(400, "There must be one of 'ids' and 'filter'", { field: "ids" });
  }
  if (ids === undefined) {
    const wanted = ofTheirs(behind(filterOf(filter!), cursor), principal, "change");
    return await pickedBy(app, wanted, dry_run ? Infinity : MAX_IDS);
  }
  if (cursor !== undefined) {
    throw new HttpError(400, "'cursor' goes with 'filter' alone", { field: "cursor" });
  }
  const named = [...new Set(ids.map((id) => pathId(id, "task")))];
  return {
    ids: named,
    statuses: dry_run ? await statusesOf(app, named, principal) : {},
    next: null,
  };
}

async function pickedBy(
  { engine: { heads } }: App,
  filter: ReturnType<typeof filterOf>,
  most: number,
): Promise<Picked> {
  const ids: string[] = [];
  const statuses: Picked["statuses"] = {};
  for await (const { records, next } of heads.pages(filter, PAGES)) {
    for (const record of records) {
      ids.push(idOf(record));
      count(statuses, statusOf(record) as Status);
      if (ids.length === most) return { ids, statuses, next: ids.at(-1)! };
    }
    if (next === null) return { ids, statuses, next };
    filter = { ...filter, before: next };
  }
  return { ids, statuses, next: filter.before! };
}

async function statusesOf(
  app: App,
  ids: readonly string[],
  principal: Principal,
): Promise<Picked["statuses"]> {
  const statuses: Picked["statuses"] = {};
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const theirs = await areTheirs(app, principal, "change", some);
    const entries = await app.engine.heads.getMany(some.filter((_, n) => theirs[n]));
    for (const { value } of entries) {
      if (value) count(statuses, statusOf(value.record) as Status);
    }
  }
  return statuses;
}

function count(counts: Partial<Record<Status, number>>, status: Status): void {
  counts[status] = (counts[status] ?? 0) + 1;
}

/** How many it would not be done to, by the state that they are in. */
function wouldRefuse(action: BulkAction, statuses: Picked["statuses"]): Picked["statuses"] {
  const entries = Object.entries(statuses).filter(([status]) => !MAY[action](status as Status));
  return Object.fromEntries(entries);
}

/** How many it was not done to, by the state that they are in. */
function refusedOf(results: readonly Told[]): Picked["statuses"] {
  const counts: Picked["statuses"] = {};
  for (const { ok, status } of results) {
    if (!ok && status !== undefined) count(counts, status);
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
  if (decided.reason === "has-parent") {
    const error = `It is a child of task ${decided.parent}, which has not ended`;
    return { task_id, ok: false, error };
  }
  if (decided.reason === "parent-over") {
    const error = `It is a child of task ${decided.parent}, which is over: retry that one`;
    return { task_id, ok: false, error };
  }
  const { status } = decided;
  return { task_id, ok: false, status, error: `Task ${task_id} is ${status}` };
}
