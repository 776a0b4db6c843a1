import { eTag, ifNoneMatch } from "@std/http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";
import { HttpError } from "../lib/http/errors.ts";
import { pacedBody } from "../lib/http/paced_body.ts";

/** Where the files lie, once built. */
export const STATIC: URL = new URL("../static/", import.meta.url);

export interface StaticFile {
  /** Below `static/`. */
  path: string;
  /** Its `Content-Type`. */
  type: string;
}

/** Why there is no page, and what builds it; nothing where there is one. */
export async function pageProblem(from: URL = STATIC): Promise<string[]> {
  const built = await Deno.stat(new URL("dist/app.js", from)).then(() => true, () => false);
  if (built) return [];
  const folder = fileURLToPath(new URL("../", from));
  return [`the page is not built: run 'deno task --cwd ${folder} build'`];
}

/** By path, the newest of each: compressing takes longer than all the rest. */
const compressed = new Map<string, { etag: string; bytes: Promise<Uint8Array<ArrayBuffer>> }>();

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
    bytes = await Deno.readFile(new URL(path, STATIC));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new HttpError(404, "The page is not built yet: run 'deno task build'");
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
