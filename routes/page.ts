import { HttpError } from "../lib/errors.ts";
import type { App, RouteContext } from "./app.ts";
import { serveFile, type StaticFile } from "./static_file.ts";

/** Every file that is served: nothing else can be asked for. */
const FILES: Record<string, StaticFile> = {
  "index.html": { path: "index.html", type: "text/html; charset=utf-8" },
  "app.js": { path: "dist/app.js", type: "text/javascript; charset=utf-8" },
  "feed_worker.js": { path: "dist/feed_worker.js", type: "text/javascript; charset=utf-8" },
  "feed_worker.js.map": { path: "dist/feed_worker.js.map", type: "application/json" },
  "app.js.map": { path: "dist/app.js.map", type: "application/json" },
  "page.css": { path: "dist/css/page.css", type: "text/css; charset=utf-8" },
  "page.css.map": { path: "dist/css/page.css.map", type: "application/json" },
  "base.css": { path: "css/base.css", type: "text/css; charset=utf-8" },
  "docs.css": { path: "css/docs.css", type: "text/css; charset=utf-8" },
  "icon.svg": { path: "icon.svg", type: "image/svg+xml" },
};

/** Nothing inline, nothing from elsewhere, and no text that could become markup or script. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  // The one name under which the page may start its worker, see static/live.ts.
  "trusted-types headway-worker",
].join("; ");

/** Read anew with each visit: page and server are of one version. */
export const PAGE_HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": CSP,
  "cross-origin-opener-policy": "same-origin",
};

/** `GET /`: the page. */
export function getPage(_app: App, { request }: RouteContext): Promise<Response> {
  return serve(request, "index.html");
}

/** `GET /static/{file}`: its script, style and icon. */
export function getStatic(_app: App, { request, params }: RouteContext): Promise<Response> {
  return serve(request, params.file ?? "");
}

function serve(request: Request, name: string): Promise<Response> {
  const file = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (!file) throw new HttpError(404, `There is no file ${name.slice(0, 100)}`);
  return serveFile(request, file, PAGE_HEADERS);
}
