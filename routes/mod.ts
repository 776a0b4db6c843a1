/**
 * The route table: every path that there is, and the handler that is made from it.
 *
 * @module
 */

import { nameRequest } from "../lib/base/otel.ts";
import { belowBase } from "../lib/http/base_path.ts";
import { HttpError } from "../lib/http/errors.ts";
import { checkHost, requireHost, requireNear } from "../lib/http/origin.ts";
import type { App, Sender } from "./app.ts";
import type { Methods, RouteTable } from "./route.ts";
import { getArtifact, getArtifacts } from "./artifacts.ts";
import { getAudit } from "./audit.ts";
import { changeMany } from "./bulk.ts";
import { CLIENT_ROUTES } from "./client.ts";
import { getCounts } from "./counts.ts";
import { getDeliveries, resend } from "./deliveries.ts";
import { getDetails } from "./details.ts";
import { getDocs } from "./docs.ts";
import { getEvents } from "./events.ts";
import { failed } from "./failed.ts";
import { getHealth, getReady } from "./health.ts";
import { addressOf, finish, guard } from "./guard.ts";
import { getInfo } from "./info.ts";
import { getIcon } from "./icon.ts";
import { getKinds } from "./kinds.ts";
import { pauseKind, resumeKind } from "./paused_kinds.ts";
import { linkTo } from "./links.ts";
import { getLogin, login, logout } from "./login.ts";
import { type Match, matcher } from "./matcher.ts";
import { getMetrics } from "./metrics.ts";
import { getOpenApi } from "./openapi.ts";
import { getPage, getStatic, getStrings } from "./page.ts";
import {
  changeSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  getSchedules,
  runSchedule,
} from "./schedules.ts";
import { sendSignal } from "./signals.ts";
import { streamAll, streamMany, streamOne } from "./stream.ts";
import { submit } from "./submit.ts";
import { cancelTask, changeTask, deleteTask, getTask, retryTask } from "./task.ts";
import { createTask, getTasks } from "./tasks.ts";
import { createToken } from "./tokens.ts";
import { createUpload } from "./uploads.ts";

/** Every path: what may be done there, and what that needs. The policy is this table. */
export const ROUTES: RouteTable = [
  ["/", { GET: ["public", getPage, "linked"] }],
  ["/login", { GET: ["public", getLogin], POST: ["public", login] }],
  ["/logout", { POST: ["public", logout] }],
  ["/submit", { POST: ["submit", submit] }],
  ["/tasks", { GET: ["list", getTasks], POST: ["submit", createTask] }],
  ["/tasks/bulk", { POST: ["bulk", changeMany] }],
  ["/tasks/counts", { GET: ["list", getCounts] }],
  ["/tasks/stream", { GET: ["tasks", streamMany] }],
  ["/tasks/stream-all", { GET: ["read", streamAll] }],
  ["/tasks/:id", {
    GET: ["task", getTask],
    PATCH: ["change", changeTask],
    DELETE: ["change", deleteTask],
  }],
  ["/tasks/:id/details", { GET: ["task", getDetails] }],
  ["/tasks/:id/artifacts", { GET: ["task", getArtifacts] }],
  ["/tasks/:id/artifacts/:name", { GET: ["task", getArtifact, "linked"] }],
  ["/tasks/:id/deliveries", { GET: ["task", getDeliveries] }],
  ["/tasks/:id/deliveries/:n/resend", { POST: ["change", resend] }],
  ["/tasks/:id/events", { GET: ["task", getEvents] }],
  ["/tasks/:id/stream", { GET: ["task", streamOne] }],
  ["/tasks/:id/stream-with-heartbeat", { GET: ["task", streamOne] }],
  ["/tasks/:id/stream-with-id", { GET: ["task", streamOne] }],
  ["/tasks/:id/cancel", { POST: ["own", cancelTask] }],
  ["/tasks/:id/retry", { POST: ["change", retryTask] }],
  ["/tasks/:id/signals/:name", { POST: ["signal", sendSignal] }],
  ["/schedules", { GET: ["list", getSchedules], POST: ["submit", createSchedule] }],
  ["/schedules/:id", {
    GET: ["list", getSchedule],
    PATCH: ["schedule", changeSchedule],
    DELETE: ["schedule", deleteSchedule],
  }],
  ["/schedules/:id/run", { POST: ["submit", runSchedule] }],
  ["/tokens", { POST: ["any", createToken] }],
  ["/uploads", { POST: ["submit", createUpload] }],
  ["/kinds", { GET: ["any", getKinds] }],
  ["/kinds/:kind/pause", { POST: ["admin", pauseKind] }],
  ["/kinds/:kind/resume", { POST: ["admin", resumeKind] }],
  ["/kinds/:kind/audit", { GET: ["read", getAudit] }],
  ["/healthz", { GET: ["public", getHealth] }],
  ["/readyz", { GET: ["public", getReady] }],
  ["/openapi.json", { GET: ["any", (app, context) => getOpenApi(app, ROUTES, context)] }],
  ["/docs", { GET: ["any", (app, context) => getDocs(app, ROUTES, context), "linked"] }],
  ["/metrics", { GET: ["read", getMetrics] }],
  ["/info", { GET: ["read", getInfo] }],
  ["/icon.svg", { GET: ["public", getIcon] }],
  ["/static/i18n/:file", { GET: ["public", getStrings] }],
  ["/static/:file", { GET: ["public", getStatic] }],
  ...CLIENT_ROUTES,
];

/** What is of use on a process that answers nothing else: `HEADWAY_OPS_PORT`. */
export const OPS_ROUTES: RouteTable = ROUTES.filter(([path]) =>
  ["/healthz", "/readyz", "/metrics"].includes(path)
);

/**
 * Makes the handler that `Deno.serve` calls. It never throws.
 *
 * @param base The path below which it answers.
 * @param host The address at which it is listened for: on loopback it answers to this machine's names.
 */
export function createHandler(
  app: App,
  routes: RouteTable = ROUTES,
  base: string = app.config.basePath,
  host: string = app.config.host,
): (request: Request, info: Sender) => Promise<Response> {
  const match = matcher(routes);
  return async (request, info) => {
    const url = URL.parse(request.url);
    const path = url && belowBase(base, url.pathname);
    const found = path === null ? null : match(path);
    if (found) nameRequest(request.method, found.path);
    const response = await answer(app, { request, info, host, url, path, found }).catch((error) => {
      return failed(error, app);
    });
    app.metrics.answered(found?.path ?? "other", request.method, response.status);
    return finish(app, request, url, response);
  };
}

interface Asked {
  request: Request;
  info: Sender;
  host: string;
  url: URL | null;
  /** What of its path is below the base path; `null` where it is not. */
  path: string | null;
  found: Match | null;
}

async function answer(app: App, asked: Asked): Promise<Response> {
  const { request, info, host, url, path, found } = asked;
  // It is made of the Host, which may be anything.
  if (!url) throw new HttpError(400, "The address of this request is not valid", { field: "Host" });
  requireHost(request.headers, url);
  checkHost({ host, hosts: app.config.hosts }, url);
  if (!app.auth.required && !app.config.insecure) requireNear(info.remoteAddr);
  // Without its slash, what the page names would be beside the base path.
  if (path === "") return redirect(linkTo(app, request, "/") + url.search);
  if (!found) throw nothingAt(url.pathname, path === null ? app.config.basePath : null);
  const { methods, params } = found;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const [need, route, reach = "own"] = Object.hasOwn(methods, method) ? methods[method]! : [];
  if (need === undefined || route === undefined) return notAllowed(request, methods);
  const client = addressOf(app, request, info);
  const principal = await guard(app, { request, url, params, client }, need, reach);
  const response = await route(app, { request, url, params, client, principal });
  return request.method === "HEAD" ? await withoutBody(response) : response;
}

/** Not for ever: another program may be there one day. */
function redirect(location: string): Response {
  return new Response(null, { status: 307, headers: { location, "cache-control": "no-store" } });
}

/** @param base Where Headway is; `null` where it was asked for what is below that. */
function nothingAt(path: string, base: string | null): HttpError {
  const where = base === null ? "" : `: Headway is at ${base}/ (HEADWAY_BASE_PATH)`;
  return new HttpError(404, `There is nothing at ${path.slice(0, 200)}${where}`);
}

function notAllowed(request: Request, methods: Methods): Response {
  const names = Object.keys(methods);
  const allow = [...names, ...(names.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  throw new HttpError(405, `${request.method} is not allowed here: use ${allow}`, {
    headers: { allow },
  });
}

/** HEAD: the same without the body, and without a stream that nobody reads. */
async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
