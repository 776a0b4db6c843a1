import { HttpError } from "../lib/http/errors.ts";
import { ANYBODY } from "../lib/http/principal.ts";
import type { App } from "./app.ts";
import { failed } from "./failed.ts";
import { matcher } from "./matcher.ts";
import { ROUTES } from "./mod.ts";

/**
 * Handles the requests of the program that embeds the server. It may do everything, and its
 * requests have no host, origin or client address to check.
 */
export function createLocal(app: App): (request: Request) => Promise<Response> {
  const match = matcher(ROUTES);
  return async (request) => {
    try {
      const url = new URL(request.url);
      const found = match(url.pathname);
      const [, route] = found?.methods[request.method] ?? [];
      if (!found || !route) throw new HttpError(404, `There is nothing at ${url.pathname}`);
      const { params } = found;
      return await route(app, {
        request,
        url,
        params,
        client: "",
        principal: ANYBODY,
        local: true,
      });
    } catch (error) {
      return failed(error, app);
    }
  };
}
