/**
 * Our paths as clients write them: below the base path, and below the prefix that a proxy removed.
 *
 * @module
 */

import { parseBasePath } from "../lib/http/base_path.ts";
import type { App } from "./app.ts";

/** Where all of it is, as `/jobs`; `""` for the root of the host. */
export function rootOf({ config }: App, { headers }: Request): string {
  const taken = config.trustProxy ? headers.get("x-forwarded-prefix") : null;
  return (parseBasePath(taken ?? "") ?? "") + config.basePath;
}

/** @param path As in the route table. */
export function linkTo(app: App, request: Request, path: string): string {
  return rootOf(app, request) + path;
}
