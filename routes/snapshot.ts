import { deadline } from "../lib/base/deadline.ts";
import { type Principal, tasksOf } from "../lib/http/principal.ts";
import { NO_PARENT } from "../lib/task/labels.ts";
import { ULID } from "../lib/task/ulid.ts";
import type { App, RouteContext } from "./app.ts";
import { sessionOf, sessionTold } from "./login.ts";
import { isTheirs, ofTheirs } from "./theirs.ts";

/** Tasks in the list: as many as in a stream's snapshot. */
const TASKS = 100;

/** Milliseconds after which the page comes without them, and asks for itself. */
const PATIENCE_MS = 300;

/**
 * What the page shows first, as JSON text: the newest tasks, or the task that its address names, as
 * far as the page's session may see them.
 */
export async function snapshotOf(
  app: App,
  context: Pick<RouteContext, "request" | "url">,
): Promise<string> {
  const principal = await sessionOf(app, context);
  const login = sessionTold(app, principal);
  const shown = await inTime(app, context.url, principal);
  return `{"time":"${new Date().toISOString()}","login":${JSON.stringify(login)}${shown}}`;
}

/** A slow or broken store does not keep the page from being there. */
async function inTime(app: App, url: URL, principal: Principal | null): Promise<string> {
  try {
    return await deadline(contentOf(app, url, principal), PATIENCE_MS, () => "");
  } catch (error) {
    app.log.warn("the page comes without its snapshot", { error });
    return "";
  }
}

async function contentOf(app: App, url: URL, principal: Principal | null): Promise<string> {
  if (principal === null) return "";
  if (tasksOf(principal, "read") === "none") return "";
  const { heads } = app.engine;
  const id = url.searchParams.get("task_id")?.toUpperCase();
  if (id !== undefined) {
    const head = ULID.test(id) ? await heads.get(id) : null;
    if (head === null || !isTheirs(principal, "read", id, head)) return "";
    return `,"task":${await heads.shown(head)}`;
  }
  // With a filter the page asks by itself: it knows how late it is where it is.
  if (url.search !== "") return "";
  const filter = ofTheirs({ parent_id: NO_PARENT }, principal, "read");
  const { records } = await heads.list({ limit: TASKS, ...filter });
  return `,"tasks":[${records.join(",")}]`;
}
