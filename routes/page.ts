import { acceptsLanguages } from "@std/http";
import { HttpError } from "../lib/http/errors.ts";
import type { App, RouteContext } from "./app.ts";
import { snapshotOf } from "./snapshot.ts";
import { readStatic, serveFile, type StaticFile } from "./static_file.ts";

const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";
const MAP = "application/json";

/** The files below `/static/`, by name. Besides them, only chunks and languages are served there. */
const FILES: Record<string, StaticFile> = {
  "app.js": { path: "dist/app.js", type: SCRIPT },
  "app.js.map": { path: "dist/app.js.map", type: MAP },
  "feed_worker.js": { path: "dist/feed_worker.js", type: SCRIPT },
  "feed_worker.js.map": { path: "dist/feed_worker.js.map", type: MAP },
  "page.css": { path: "dist/css/page.css", type: STYLE },
  "page.css.map": { path: "dist/css/page.css.map", type: MAP },
  "base.css": { path: "css/base.css", type: STYLE },
  "docs.css": { path: "css/docs.css", type: STYLE },
  "icon.svg": { path: "icon.svg", type: "image/svg+xml" },
};

/** What the page's script and its worker have in common: named by what is in it. */
const CHUNK = /^[a-z_]+-[A-Z0-9]{8}\.js(\.map)?$/;

/** Languages of the page, the one for everybody else first. */
const LANGUAGES = ["en", "zh"];

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
  // The one name under which the page may start its worker, see static/feed/live.ts.
  "trusted-types headway-worker",
].join("; ");

/** Another content has another name. */
const FOR_EVER = { "cache-control": "public, max-age=31536000, immutable" };

/** Read again with each visit: page and server are of one version. */
export const PAGE_HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": CSP,
  "cross-origin-opener-policy": "same-origin",
};

/** Where a session is needed to see it, nothing is left that "Back" could show after its end. */
export function cacheOf({ auth }: App): string {
  return auth.required ? "no-store" : "no-cache";
}

/** `GET /`: the page, with what it shows first. */
export async function getPage(app: App, context: RouteContext): Promise<Response> {
  const language = acceptsLanguages(context.request, ...LANGUAGES) ?? LANGUAGES[0]!;
  const [html, chunks, snapshot] = await Promise.all([
    readStatic("index.html"),
    chunksOfPage(),
    snapshotOf(app, context),
  ]);
  const preloads = [...chunks, `i18n/${language}.js`]
    .map((name) => `<link rel="modulepreload" href="static/${name}">`).join("\n    ");
  const page = new TextDecoder().decode(html)
    .replace('lang="en"', `lang="${language}"`)
    .replace("<!-- preload -->", preloads)
    .replace("<!-- snapshot -->", () => `<template id="snapshot">${escaped(snapshot)}</template>`);
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      ...PAGE_HEADERS,
      "cache-control": cacheOf(app),
      vary: "accept-language",
    },
  });
}

/** `GET /static/{file}`: its scripts, style and icon. */
export function getStatic(_app: App, { request, params }: RouteContext): Promise<Response> {
  const name = params.file ?? "";
  const file = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (file) return serveFile(request, file, PAGE_HEADERS);
  if (!CHUNK.test(name)) throw new HttpError(404, `There is no file ${name.slice(0, 100)}`);
  const type = name.endsWith(".map") ? MAP : SCRIPT;
  return serveFile(request, { path: `dist/${name}`, type }, { ...PAGE_HEADERS, ...FOR_EVER });
}

/** `GET /static/i18n/{file}`: the words of a language. */
export function getStrings(_app: App, { request, params }: RouteContext): Promise<Response> {
  const [language = "", ...extension] = (params.file ?? "").split(".");
  if (!LANGUAGES.includes(language) || !["js", "js.map"].includes(extension.join("."))) {
    throw new HttpError(404, `There is no language ${language.slice(0, 100)}`);
  }
  const path = `dist/i18n/${params.file}`;
  return serveFile(request, { path, type: extension.length > 1 ? MAP : SCRIPT }, PAGE_HEADERS);
}

/** What the script asks for as soon as it is there: better at the same time. */
async function chunksOfPage(): Promise<string[]> {
  const script = await readStatic("dist/app.js").catch(() => new Uint8Array());
  return [...new TextDecoder().decode(script).matchAll(/from"\.\/(chunk-[A-Z0-9]{8}\.js)"/g)].map((
    [, name],
  ) => name!);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
