/**
 * The checks that every request passes on its way in, and the headers that every response gets.
 *
 * @module
 */

import { actOn, clientOf, type Need, permit, type Principal } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { queryWords } from "../lib/http/http.ts";
import {
  allowOrigin,
  checkOrigin,
  checkReach,
  isLoopback,
  type Reach,
} from "../lib/http/origin.ts";
import type { RateLimit } from "../lib/http/rate_limit.ts";
import type { CookieScope } from "../lib/http/session_cookie.ts";
import type { App, RouteContext, Sender } from "./app.ts";
import { linkTo, rootOf } from "./links.ts";
import { requireTheirs } from "./theirs.ts";

/**
 * Lets a request pass.
 *
 * @returns Who asks.
 * @throws {HttpError} 401, 403 or 429.
 */
export async function guard(
  app: App,
  { request, url, params, client }: Omit<RouteContext, "principal">,
  need: Need,
  reach: Reach,
): Promise<Principal> {
  const { headers, method } = request;
  const writes = method !== "GET" && method !== "HEAD";
  if (writes) checkOrigin(app.config, headers, url, isSecure(app, request, url));
  else checkReach(app.config, headers, reach);
  // What is open to all stays open to who shows something outdated.
  const principal = need === "public" ? null : await app.auth.authenticate({
    authorization: headers.get("authorization"),
    query: ["task", "tasks", "list", "signal"].includes(need) ? tokensIn(url) : null,
    sessions: sessionsShown(app, request, url),
    request,
  }, client);
  const permitted = permit(principal, need, namedTasks(need, url, params.id));
  const act = actOn(need);
  if (act !== null) await requireTheirs(app, permitted, act, [params.id ?? ""]);
  if (writes && app.writes) limit(app.writes, clientOf(permitted) || client);
  return permitted;
}

function tokensIn({ searchParams }: URL): string | null {
  return searchParams.has("token") ? searchParams.getAll("token").join(",") : null;
}

/** The tasks that a request is about: none where it is about all. */
function namedTasks(need: Need, url: URL, id: string | undefined): string[] {
  if (need !== "tasks") return id === undefined ? [] : [id];
  const words = (name: string) => queryWords(url, name, Infinity);
  const ids = words("ids");
  return ids.length === 0 ? [] : [...ids, ...words("rows")];
}

/**
 * Takes one from a client's share.
 *
 * @throws {HttpError} 429
 */
export function limit(share: RateLimit, client: string): void {
  const wait = share.take(client);
  if (wait === 0) return;
  const seconds = Math.ceil(wait / 1000);
  throw new HttpError(429, `Too many writes: try again in ${seconds} s`, {
    headers: { "retry-after": String(seconds) },
  });
}

/** Whose connection it is, or what a trusted proxy says. The last entry is the proxy's own. */
export function addressOf(app: App, request: Request, info: Sender): string {
  const forwarded = app.config.trustProxy ? request.headers.get("x-forwarded-for") : null;
  const last = forwarded?.split(",").at(-1)?.trim();
  if (last) return last.slice(0, 100);
  return "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "local";
}

/** Whether nobody between the client and the last proxy can read along. */
export function isSecure(app: App, request: Request, url: URL): boolean {
  if (url.protocol === "https:") return true;
  return app.config.trustProxy && request.headers.get("x-forwarded-proto") === "https";
}

/** Where the page's cookie is for, as its browser sees it. */
export function cookieScope(app: App, request: Request, url: URL): CookieScope {
  return { secure: isSecure(app, request, url), path: linkTo(app, request, "/") };
}

/** What the page's cookie holds, as the request shows it. */
export function sessionsShown(app: App, request: Request, url: URL): string[] {
  return app.auth.cookie.read(request.headers.get("cookie"), cookieScope(app, request, url));
}

/** No answer is markup, script or a frame, but for the page, which says so itself. */
const NOTHING = "script-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Adds what every response carries. */
export function finish(app: App, request: Request, url: URL | null, response: Response): Response {
  const { headers } = response;
  headers.set("x-content-type-options", "nosniff");
  headers.set("referrer-policy", "same-origin");
  if (!headers.has("cross-origin-resource-policy")) {
    headers.set("cross-origin-resource-policy", "same-origin");
  }
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", NOTHING);
  // It is of the whole host, which is another program's, too, where all of this is below a path.
  const own = rootOf(app, request) === "";
  if (own && url && isSecure(app, request, url) && !isLoopback(url.hostname)) {
    headers.set("strict-transport-security", "max-age=31536000");
  }
  allowOrigin(app.config, request, headers);
  return response;
}
