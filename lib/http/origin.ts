/**
 * Where a request may come from, and which pages may read the response: Host, Origin and CORS.
 *
 * @module
 */

import { HttpError } from "./errors.ts";

export interface OriginPolicy {
  /** The address that the server listens on. */
  host: string;
  /** Further host names that the server answers to. */
  hosts: readonly string[];
  /** Other origins whose pages may use the server; `*` for any, without cookies and passwords. */
  origins: readonly string[];
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/**
 * Refuses a host name that is not this server's: another site can point its own name here (DNS
 * rebinding), and its pages would then count as ours.
 *
 * @throws {HttpError} 421
 */
export function checkHost({ host, hosts }: Pick<OriginPolicy, "host" | "hosts">, url: URL): void {
  if (hosts.includes(url.hostname)) return;
  if (isLoopback(host) ? isLoopback(url.hostname) : hosts.length === 0) return;
  throw new HttpError(
    421,
    `This server does not answer to the name '${url.hostname.slice(0, 100)}': see HEADWAY_HOSTS`,
    { field: "Host" },
  );
}

/**
 * Refuses a request from another machine, for a server that cannot tell who is asking: the program that
 * listens for Headway may do so at any address.
 *
 * @throws {HttpError} 403
 */
export function requireNear(from: Deno.Addr): void {
  const near = "hostname" in from
    ? isLoopback(from.hostname.replace(/^::ffff:(?=\d)/, ""))
    : from.transport === "unix";
  if (near) return;
  throw new HttpError(
    403,
    "Other machines may not use this server, as it cannot tell who is asking: see HEADWAY_TOKENS, or " +
      "'authorize' of headway()",
  );
}

/** A name or an address, and a port. Other parts of a URL would lead to another path. */
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d*)?$/i;

/** The host that Deno assumes for a request that names none, whatever address it listens on. */
const MADE_UP = "localhost";

/**
 * Refuses a request without a valid Host, which HTTP/1.1 requires [RFC 9112, 3.2]: Deno makes up a
 * name for it, which would count as this machine's. HTTP/2 has no such header, so it may be missing
 * over TLS, or when the name is not the made-up one.
 *
 * @throws {HttpError} 400
 */
export function requireHost(headers: Headers, url: URL): void {
  const host = headers.get("host");
  const other = host === null && (url.protocol === "https:" || url.hostname !== MADE_UP);
  if (other || (host !== null && HOST.test(host))) return;
  throw new HttpError(400, "A request must name the server it is for", { field: "Host" });
}

/**
 * Whether a page of another origin sent a request. Programs send neither header, and are not pages.
 *
 * @param secure The client speaks HTTPS to this server, or to the proxy in front of it.
 */
export function isForeign(headers: Headers, { host }: URL, secure: boolean): boolean {
  // Set by the browser, never by a page, and right even behind a proxy that changes the Host.
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && origin !== URL.parse(`${secure ? "https" : "http"}://${host}`)?.origin;
}

/** Whether a request comes from a page that the operator trusts. */
function isTrusted({ origins }: OriginPolicy, headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin === null) return false;
  return origins.includes(origin) || (origins.includes("*") && !isKnownToBrowser(headers));
}

/** Whether a browser may have added credentials by itself: a page can only add a Bearer token. */
function isKnownToBrowser(headers: Headers): boolean {
  const authorization = headers.get("authorization");
  return headers.has("cookie") || (authorization !== null && !/^bearer /i.test(authorization));
}

/**
 * Refuses a write from a page of another origin, unless the operator trusts it: the browser adds
 * cookies to it, and reaches loopback addresses.
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

/** Which pages of other sites may request a path: none, those that link to it, or any. */
export type Reach = "own" | "linked" | "any";

/**
 * Refuses a request from a page of another site, unless the operator trusts it: the page cannot read
 * the answer, but can request it by an image, a script or a frame as often as it likes.
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
  const sentence = "Pages of other origins may not do this, except those in HEADWAY_ORIGINS";
  return new HttpError(403, sentence, { field: "Origin" });
}

const METHODS = "GET, HEAD, POST, PATCH, DELETE";
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Filename";

const NAME = /^[!#$%&'*+.^_`|~\w-]{1,64}$/;

/** Headers by which a proxy says who asks, and how: no page may say that for its visitor. */
const OF_PROXIES =
  /^(via|forwarded|x-forwarded-.*|x-(real|client)-ip|true-client-ip|.*-connecting-ip)$/;

/** Most further headers that a preflight may ask for. */
const MAX_NAMES = 50;

const EXPOSED = "Content-Disposition, Content-Range, ETag, Location, Retry-After";

/** How long a browser remembers the answer to a preflight. */
const PREFLIGHT_SECONDS = "600";

/** Adds the headers that let pages of trusted origins read the answer. */
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
  const wanted = request.headers.get("access-control-request-headers") ?? "";
  headers.set("access-control-allow-headers", allowedHeaders(wanted));
  headers.set("access-control-max-age", PREFLIGHT_SECONDS);
}

/**
 * The headers that a page of a trusted origin may send: those that the API reads, and any others that
 * the page's libraries add, for tracing for example, which are ignored. A browser sends none of a
 * page's requests if one header is not allowed.
 */
function allowedHeaders(wanted: string): string {
  const known = REQUEST_HEADERS.toLowerCase().split(", ");
  const more = wanted.split(",").map((name) => name.trim().toLowerCase()).filter((name) =>
    NAME.test(name) && !OF_PROXIES.test(name) && !known.includes(name)
  );
  return [REQUEST_HEADERS, ...[...new Set(more)].slice(0, MAX_NAMES)].join(", ");
}
