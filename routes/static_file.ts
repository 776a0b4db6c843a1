import { eTag, ifNoneMatch } from "@std/http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { HttpError } from "../lib/http/errors.ts";
import { pacedBody } from "../lib/http/paced_body.ts";

/** The folder of the page's files. The build writes to `dist/` in it. */
const STATIC: URL = new URL("../static/", import.meta.url);

export interface StaticFile {
  /** Below `static/`. */
  path: string;
  /** Its `Content-Type`. */
  type: string;
}

/** The folder of a checkout in which the page is not built; `null` where there is one. */
export async function unbuiltFolder(from: URL = STATIC): Promise<string | null> {
  // A package has it.
  if (from.protocol !== "file:") return null;
  const built = await Deno.stat(new URL("dist/app.js", from)).then(() => true, () => false);
  return built ? null : fileURLToPath(new URL("../", from));
}

/** That there is no page, and what builds it. */
export function pageProblem(folder: string): string {
  return `the page is not built: run 'deno task --cwd ${folder} build'`;
}

/** By path, the newest of each: compressing takes longer than all the rest. */
const compressed = new Map<string, { etag: string; bytes: Promise<Uint8Array<ArrayBuffer>> }>();

/** Of a package that is loaded by its address: they never change. */
const fetched = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/**
 * Reads a file below `static/`.
 *
 * @throws {Deno.errors.NotFound}
 */
export function readStatic(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(path, STATIC);
  if (url.protocol === "file:") return Deno.readFile(url);
  let found = fetched.get(path);
  if (!found) {
    found = fetchBytes(url);
    fetched.set(path, found);
    found.catch(() => fetched.delete(path));
  }
  return found;
}

async function fetchBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (response.ok) return await response.bytes();
  await response.body?.cancel();
  throw new Deno.errors.NotFound(`${url} answers with ${response.status}`);
}

/**
 * Answers with a file, compressed for whoever takes that, or says that the client has it.
 *
 * @throws {HttpError} 404 when it was not built.
 */
export async function serveFile(
  { headers: asked }: Request,
  { path, type }: StaticFile,
  more: Record<string, string>,
): Promise<Response> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await readStatic(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new HttpError(
      404,
      "The page is not built yet: run 'deno task build' in Headway's folder",
    );
  }
  // Weak: it is the same file, whether it goes out compressed or not.
  const etag = (await eTag(bytes, { weak: true }))!;
  const headers = new Headers({ "content-type": type, ...more, etag, vary: "accept-encoding" });
  if (!ifNoneMatch(asked.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  if (!/\bbr\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(asked.get("accept-encoding") ?? "")) {
    return new Response(pacedBody(bytes), { headers });
  }
  headers.set("content-encoding", "br");
  return new Response(pacedBody(await compress(path, etag, bytes)), { headers });
}

function compress(
  path: string,
  etag: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  let known = compressed.get(path);
  if (known?.etag !== etag) {
    known = { etag, bytes: promisify(brotliCompress)(bytes).then((out) => new Uint8Array(out)) };
    compressed.set(path, known);
  }
  return known.bytes;
}
