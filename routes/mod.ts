/**
 * The route table: every path there is, and the one handler made of it.
 *
 * @module
 */

import { errorResponse, HttpError } from "../lib/errors.ts";
import { StoreError } from "../lib/store.ts";
import type { App, RouteContext } from "./app.ts";
import { changeMany } from "./bulk.ts";
import { getCounts } from "./counts.ts";
import { getDetails } from "./details.ts";
import { getEvents } from "./events.ts";
import { getHealth, getReady } from "./health.ts";
import { getKinds } from "./kinds.ts";
import { getPage, getStatic } from "./page.ts";
import { streamAll, streamMany, streamOne } from "./stream.ts";
import { submit } from "./submit.ts";
import { cancelTask, deleteTask, getTask, retryTask } from "./task.ts";
import { createTask, getTasks } from "./tasks.ts";
import { createUpload } from "./uploads.ts";

/** Answers a request. */
export type Route = (app: App, context: RouteContext) => Response | Promise<Response>;

const TABLE: readonly [path: string, methods: Record<string, Route>][] = [
  ["/", { GET: getPage }],
  ["/submit", { POST: submit }],
  ["/tasks", { GET: getTasks, POST: createTask }],
  ["/tasks/bulk", { POST: changeMany }],
  ["/tasks/counts", { GET: getCounts }],
  ["/tasks/stream", { GET: streamMany }],
  ["/tasks/stream-all", { GET: streamAll }],
  ["/tasks/:id", { GET: getTask, DELETE: deleteTask }],
  ["/tasks/:id/details", { GET: getDetails }],
  ["/tasks/:id/events", { GET: getEvents }],
  ["/tasks/:id/stream", { GET: streamOne }],
  ["/tasks/:id/stream-with-heartbeat", { GET: streamOne }],
  ["/tasks/:id/stream-with-id", { GET: streamOne }],
  ["/tasks/:id/cancel", { POST: cancelTask }],
  ["/tasks/:id/retry", { POST: retryTask }],
  ["/uploads", { POST: createUpload }],
  ["/kinds", { GET: getKinds }],
  ["/healthz", { GET: getHealth }],
  ["/readyz", { GET: getReady }],
  ["/static/:file", { GET: getStatic }],
];

/** Paths without parameters are looked up; the others are matched in order. */
const FIXED = new Map(TABLE.filter(([path]) => !path.includes(":")));
const PATTERNS = TABLE.filter(([path]) => path.includes(":")).map(([path, methods]) => ({
  parts: path.split("/"),
  methods,
}));

/** What a write is told when it comes too late for this process. */
const STOPPING = new HttpError(503, "This server is stopping: try again in a moment", {
  headers: { "retry-after": "1" },
});

/** Makes the handler that `Deno.serve` calls. It never throws. */
export function createHandler(
  app: App,
): (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response> {
  return async (request, info) => {
    try {
      // It is made of the Host, which may be anything.
      const url = URL.parse(request.url);
      if (!url) throw new HttpError(400, "The address of this request is none", { field: "Host" });
      const { methods, params } = match(url.pathname);
      const method = request.method === "HEAD" ? "GET" : request.method;
      const route = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (!route) return notAllowed(request, methods);
      const client = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "local";
      const response = await route(app, { request, url, params, client });
      return request.method === "HEAD" ? await withoutBody(response) : response;
    } catch (error) {
      return errorResponse(app.stopping && error instanceof StoreError ? STOPPING : error, app.log);
    }
  };
}

function match(path: string): { methods: Record<string, Route>; params: RouteContext["params"] } {
  const fixed = FIXED.get(path);
  if (fixed) return { methods: fixed, params: {} };
  const parts = path.split("/");
  for (const pattern of PATTERNS) {
    const params = matchParts(pattern.parts, parts);
    if (params) return { methods: pattern.methods, params };
  }
  throw new HttpError(404, `There is nothing at ${path.slice(0, 200)}`);
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): RouteContext["params"] | null {
  if (pattern.length !== parts.length) return null;
  const params: RouteContext["params"] = {};
  for (const [n, part] of pattern.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decode(parts[n]!);
    else if (part !== parts[n]) return null;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function notAllowed(request: Request, methods: Record<string, Route>): Response {
  const names = Object.keys(methods);
  const allow = [...names, ...(names.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  throw new HttpError(405, `${request.method} is not possible here, but ${allow} is`, {
    headers: { allow },
  });
}

/** HEAD: the same without the body, and without a stream that nobody reads. */
async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
