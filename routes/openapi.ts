import { json } from "../lib/http/http.ts";
import type { App, RouteContext } from "./app.ts";
import { isSecure } from "./guard.ts";
import type { RouteTable } from "./route.ts";
import { describeApi } from "./openapi/document.ts";

/** `GET /openapi.json`: what there is, for programs. */
export function getOpenApi(app: App, routes: RouteTable, context: RouteContext): Response {
  return json(describe(app, routes, context));
}

/** The API as it is with the kinds and settings of this server. */
export function describe(
  app: App,
  routes: RouteTable,
  { request, url }: RouteContext,
): unknown {
  const { kinds, version, auth } = app;
  const cookie = auth.cookie.name(isSecure(app, request, url));
  return describeApi({ routes, kinds: kinds.all(), version, secured: auth.required, cookie });
}
