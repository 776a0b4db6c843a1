import type { App, RouteContext } from "./app.ts";
import type { RouteTable } from "./route.ts";
import { describe } from "./openapi.ts";
import { renderDocs } from "./openapi/html.ts";
import { cacheOf, PAGE_HEADERS } from "./page.ts";

/** `GET /docs`: the description in `/openapi.json`, as a page. */
export async function getDocs(
  app: App,
  routes: RouteTable,
  context: RouteContext,
): Promise<Response> {
  const headers = {
    ...PAGE_HEADERS,
    "cache-control": cacheOf(app),
    "content-type": "text/html; charset=utf-8",
  };
  return new Response(renderDocs(await describe(app, routes, context)), { headers });
}
