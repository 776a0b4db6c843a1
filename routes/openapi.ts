import { json } from "../lib/http/http.ts";
import type { App, RouteContext } from "./app.ts";
import { allKinds } from "./kinds.ts";
import { cookieScope } from "./guard.ts";
import { rootOf } from "./links.ts";
import type { RouteTable } from "./route.ts";
import { describeApi } from "./openapi/document.ts";

/** `GET /openapi.json`: the description of the API. */
export async function getOpenApi(
  app: App,
  routes: RouteTable,
  context: RouteContext,
): Promise<Response> {
  return json(await describe(app, routes, context));
}

/** The API as it is with the kinds and settings of this server. */
export async function describe(
  app: App,
  routes: RouteTable,
  { request, url }: RouteContext,
): Promise<unknown> {
  const { version, auth } = app;
  const cookie = auth.cookie.name(cookieScope(app, request, url));
  const kinds = await allKinds(app);
  return describeApi({
    routes,
    kinds,
    version,
    secured: auth.required,
    cookie,
    root: rootOf(app, request),
  });
}
