/**
 * Where a request comes from, and whom its answer may be shown to: Host, Origin, CORS.
 *
 * @module
 */

import { HttpError } from "./errors.ts";

/** What {@link checkHost} and the others go by. */
export interface OriginPolicy {
  /** The address it listens on. */
  host: string;
  /** Further names by which it may be asked. */
  hosts: readonly string[];
  /** Other origins whose pages may use it; `*` for any, without cookies. */
  origins: readonly string[];
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/**
 * Refuses a name that is not this server's: a page elsewhere may have had its own name point here
 * (DNS rebinding), and would then count as ours.
 *
 * @throws {HttpError} 421
 */
export function checkHost({ host, hosts }: OriginPolicy, url: URL): void {
  if (hosts.includes(url.hostname)) return;
  if (isLoopback(host) ? isLoopback(url.hostname) : hosts.length === 0) return;
  throw new HttpError(
    421,
    `This server does not go by the name '${url.hostname.slice(0, 100)}': HEADWAY_HOSTS says which`,
    { field: "Host" },
  );
}

/** A name or an address, and a port. What else may stand in a URL would lead to another path. */
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d*)?$/i;

/** What Deno takes for the host of a request that names none, wherever it listens. */
const MADE_UP = "localhost";

/**
 * Refuses what does not say which server it is for, as HTTP/1.1 has to [RFC 9112, 3.2]: Deno makes up
 * a name then, which would count as this machine's. HTTP/2 has no such header: over TLS, and by
 * another name, it may be that.
 *
 * @throws {HttpError} 400
 */
export function requireHost(headers: Headers, url: URL): void {
  const host = headers.get("host");
  const other = host === null && (url.protocol === "https:" || url.hostname !== MADE_UP);
  if (other || (host !== null && HOST.test(host))) return;
  throw new HttpError(400, "A request has to say which server it is for", { field: "Host" });
}

/**
 * Whether a page of another origin sent it. Programs send neither header, and are none.
 *
 * @param secure The client speaks HTTPS, to this server or to the proxy before it.
 */
export function isForeign(headers: Headers, { host }: URL, secure: boolean): boolean {
  // Only a browser sets it, no page can; it knows of proxies that change the Host.
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && origin !== URL.parse(`${secure ? "https" : "http"}://${host}`)?.origin;
}

/** Whether it comes from a page that the operator trusts. */
function isTrusted({ origins }: OriginPolicy, headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin === null) return false;
  return origins.includes(origin) || (origins.includes("*") && !headers.has("cookie"));
}

/**
 * Refuses a write that a page of another origin sent, unless the operator trusts it: the browser
 * adds cookies, or reaches a loopback address, on its own.
 *
 * @throws {HttpError} 403
 */
export function checkOrigin(
  policy: OriginPolicy,
  headers: Headers,
  url: URL,
  secure: boolean,
): void {
  if (isForeign(headers, url, secure) && !isTrusted(policy, headers)) throw notYours();
}

/** Which pages of other sites may ask for something: none, any that links to it, or any. */
export type Reach = "own" | "linked" | "any";

/**
 * Refuses what a page of another site asks for, unless the operator trusts it: it cannot read the
 * answer, but have an image, a script or a frame ask for it as often as it likes.
 *
 * @throws {HttpError} 403
 */
export function checkReach(policy: OriginPolicy, headers: Headers, reach: Reach): void {
  if (headers.get("sec-fetch-site") !== "cross-site" || reach === "any") return;
  const follows = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  if ((reach === "linked" && follows) || isTrusted(policy, headers)) return;
  throw notYours();
}

function notYours(): HttpError {
  const sentence = "A page of another origin may not do this: HEADWAY_ORIGINS says which may";
  return new HttpError(403, sentence, { field: "Origin" });
}

const METHODS = "GET, HEAD, POST, DELETE";
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Filename";
const EXPOSED = "ETag, Location, Retry-After";

/** Seconds a browser remembers the answer to a preflight. */
const PREFLIGHT_SECONDS = "600";

/** Adds what lets a page of a trusted origin read the answer. */
export function allowOrigin(
  { origins }: OriginPolicy,
  request: Request,
  headers: Headers,
): void {
  if (origins.length === 0) return;
  headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin === null) return;
  if (origins.includes(origin)) {
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-credentials", "true");
  } else if (origins.includes("*")) {
    headers.set("access-control-allow-origin", "*");
  } else return;
  headers.set("access-control-expose-headers", EXPOSED);
  if (request.method !== "OPTIONS" || !request.headers.has("access-control-request-method")) return;
  headers.set("access-control-allow-methods", METHODS);
  headers.set("access-control-allow-headers", REQUEST_HEADERS);
  headers.set("access-control-max-age", PREFLIGHT_SECONDS);
}
