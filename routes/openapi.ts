import { json } from "../lib/http.ts";
import type { App } from "./app.ts";
import type { RouteTable } from "./mod.ts";
import { describeApi } from "./openapi/document.ts";

/** `GET /openapi.json`: what there is, for programs. */
export function getOpenApi(app: App, routes: RouteTable): Response {
  return json(describe(app, routes));
}

/** The API as it is with the kinds and settings of this server. */
export function describe(app: App, routes: RouteTable): unknown {
  const { kinds, version, auth } = app;
  return describeApi({ routes, kinds, version, secured: auth.required });
}
