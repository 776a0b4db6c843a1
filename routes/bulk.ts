import { json, pathId, readJson } from "../lib/http/http.ts";
import { HttpError } from "../lib/http/errors.ts";
import { actorOf, type Principal } from "../lib/http/principal.ts";
import type { Decided, Store } from "../lib/store/store.ts";
import { idOf } from "../lib/task/json_text.ts";
import type { Status } from "../lib/task/record.ts";
import { idBehind } from "../lib/task/ulid.ts";
import type { App, RouteContext } from "./app.ts";
import { BULK_CHANGE, type BulkAction, type BulkBody, checkBody, MAX_IDS } from "./bodies.ts";
import { type CountByStatus, countIn, DryRun } from "./dry_run.ts";
import { behind, filterOf } from "./filter.ts";
import { areTheirs, ofTheirs } from "./theirs.ts";

/** Tasks decided at once; the next commit takes all of them. */
const AT_ONCE = 100;

/** Pages of tasks that one request looks through. */
const PAGES = 10;

const CHANGES: Record<BulkAction, (store: Store, id: string, by: string) => Promise<Decided>> = {
  cancel: (store, id, by) => store.cancel(id, by),
  retry: (store, id, by) => store.retry(id, { by }),
  delete: (store, id, by) => store.remove(id, { by }),
};

const NOT_FOUND: Decided = { ok: false, reason: "not-found" };

/** What a request is about: the tasks, and what follows. */
interface Picked {
  ids: string[];
  /** Ask again with this as `cursor`; `null` where nothing follows. */
  next: string | null;
  /** Of a dry run by a filter: the `cursor` that begins with the newest of them; `null` for none. */
  first?: string | null;
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
  const dryRun = dry_run ? new DryRun(app, action) : null;
  const { ids, next, first } = await picked(app, body, principal, dryRun);
  if (dryRun) {
    const { matched, refused } = dryRun;
    const begin = first === undefined ? {} : { first_cursor: first };
    return json({ results: [], matched, refused, next_cursor: next, ...begin });
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

async function picked(
  app: App,
  body: BulkBody,
  principal: Principal,
  dryRun: DryRun | null,
): Promise<Picked> {
  const { ids, filter, cursor } = body;
  if ((ids === undefined) === (filter === undefined)) {
    throw new HttpError(400, "Give either 'ids' or 'filter'", { field: "ids" });
  }
  if (ids === undefined) {
    const wanted = ofTheirs(behind(filterOf(filter!), cursor), principal, "change");
    return await pickedBy(app, wanted, dryRun);
  }
  if (cursor !== undefined) {
    throw new HttpError(400, "'cursor' can only be given with 'filter'", { field: "cursor" });
  }
  const named = [...new Set(ids.map((id) => pathId(id, "task")))];
  if (dryRun) await lookAt(app, dryRun, named, principal);
  return { ids: named, next: null };
}

async function pickedBy(
  { engine: { heads } }: App,
  filter: ReturnType<typeof filterOf>,
  dryRun: DryRun | null,
): Promise<Picked> {
  const ids: string[] = [];
  let first: string | null = null;
  for await (const { records, next } of heads.pages(filter, PAGES)) {
    if (records.length > 0) first ??= idBehind(idOf(records[0]!));
    await dryRun?.look(records);
    for (const record of dryRun ? [] : records) {
      ids.push(idOf(record));
      if (ids.length === MAX_IDS) return { ids, next: ids.at(-1)! };
    }
    if (next === null) return { ids, next, first };
    filter = { ...filter, before: next };
  }
  return { ids, next: filter.before!, first };
}

/** Those of the tasks that there are, and that they may do it with. */
async function lookAt(
  app: App,
  dryRun: DryRun,
  ids: readonly string[],
  principal: Principal,
): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const theirs = await areTheirs(app, principal, "change", some);
    const entries = await app.engine.heads.getMany(some.filter((_, n) => theirs[n]));
    await dryRun.look(entries.flatMap(({ value }) => value ? [value.record] : []));
  }
}

/** How many it was not done to, by the state that they are in. */
function refusedOf(results: readonly Told[]): CountByStatus {
  const counts: CountByStatus = {};
  for (const { ok, status } of results) {
    if (!ok && status !== undefined) countIn(counts, status);
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
    const { status } = decided;
    return { task_id, ok: false, status, error: `Its upload ${decided.upload} was removed` };
  }
  if (decided.reason === "has-parent") {
    const error = `It is a child of task ${decided.parent}, which has not ended`;
    return { task_id, ok: false, status: decided.status, error };
  }
  if (decided.reason === "parent-over") {
    const error = `It is a child of task ${decided.parent}, which has ended: retry that one`;
    return { task_id, ok: false, status: decided.status, error };
  }
  const { status } = decided;
  return { task_id, ok: false, status, error: `Task ${task_id} is ${status}` };
}
