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

/** Whether a page of another origin sent it. Programs send neither header, and are none. */
export function isForeign(headers: Headers, url: URL): boolean {
  // Only a browser sets it, no page can; it knows of proxies that change the Host.
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && URL.parse(origin)?.host !== url.host;
}

/**
 * Refuses a write that a page of another origin sent, unless the operator trusts it: the browser
 * adds cookies, or reaches a loopback address, on its own.
 *
 * @throws {HttpError} 403
 */
export function checkOrigin(
  { origins }: OriginPolicy,
  headers: Headers,
  url: URL,
): void {
  if (!isForeign(headers, url)) return;
  const origin = headers.get("origin") ?? "";
  if (origins.includes(origin) || (origins.includes("*") && !headers.has("cookie"))) return;
  throw new HttpError(
    403,
    "A page of another origin may not do this: HEADWAY_ORIGINS says which may",
    { field: "Origin" },
  );
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
