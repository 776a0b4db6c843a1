/**
 * The files that other pages and programs load: the client, and what is built on it.
 *
 * @module
 */

import type { Methods, Route } from "./route.ts";
import { serveFile, type StaticFile } from "./static_file.ts";

const SCRIPT = "text/javascript; charset=utf-8";
/** What Deno, editors and browsers all take for TypeScript. */
const TYPES = "application/typescript; charset=utf-8";

const FILES: Record<string, StaticFile> = {
  "/client.js": { path: "dist/client/client.js", type: SCRIPT },
  "/client.d.ts": { path: "dist/client/client.d.ts", type: TYPES },
  "/headway-progress.js": { path: "dist/client/headway_progress.js", type: SCRIPT },
  "/headway-progress.d.ts": { path: "client/headway_progress.d.ts", type: TYPES },
  "/use-task.js": { path: "dist/client/use_task.js.txt", type: SCRIPT },
  "/use-task.d.ts": { path: "client/use_task.d.ts", type: TYPES },
};

/** For any page: they are public, the same for everybody, and speak only the promised API. */
const HEADERS = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
  "cache-control": "public, max-age=600",
};

export const CLIENT_ROUTES: [path: string, methods: Methods][] = Object.entries(FILES).map(
  ([path, file]) => {
    const types = path.endsWith(".js") &&
      { "x-typescript-types": `.${path.replace(/\.js$/, ".d.ts")}` };
    const headers = { ...HEADERS, ...types };
    const serve: Route = (_app, { request }) => serveFile(request, file, headers);
    return [path, { GET: ["public", serve, "any"] }];
  },
);
