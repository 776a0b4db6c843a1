import { eTag, ifNoneMatch } from "@std/http";
import { HttpError } from "../lib/errors.ts";

/** Where the files lie, once built. */
const STATIC = new URL("../static/", import.meta.url);

/** A file that is served. */
export interface StaticFile {
  /** Below `static/`. */
  path: string;
  /** Its `Content-Type`. */
  type: string;
}

/**
 * Answers with a file, or says that the client has it.
 *
 * @throws {HttpError} 404 when it was not built.
 */
export async function serveFile(
  request: Request,
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
  const etag = await eTag(bytes);
  const headers = new Headers({ "content-type": type, ...more, ...(etag ? { etag } : {}) });
  if (etag && !ifNoneMatch(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(bytes, { headers });
}
