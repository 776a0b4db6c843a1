import { ifNoneMatch } from "@std/http";
import { concat } from "../lib/base/bytes.ts";
import { type ByteRange, byteRange } from "../lib/http/byte_range.ts";
import { HttpError } from "../lib/http/errors.ts";
import { json, pathId } from "../lib/http/http.ts";
import { pacedStream } from "../lib/http/paced_stream.ts";
import type { StoredArtifact } from "../lib/kv/artifacts.ts";
import { CHUNK_BYTES } from "../lib/kv/chunks.ts";
import type { App, RouteContext } from "./app.ts";
import { linkTo } from "./links.ts";
import { requireTask } from "./task.ts";

/** Chunks read and sent at a time. */
const CHUNKS = 4;

/** `GET /tasks/{id}/artifacts`: what there is to download. */
export async function getArtifacts(app: App, { request, params }: RouteContext): Promise<Response> {
  const id = pathId(params.id, "task");
  await requireTask(app, id);
  const artifacts = (await app.engine.artifacts.list(id)).map((
    { name, size, type, sha256, at },
  ) => ({
    name,
    size,
    type,
    sha256,
    created_at: new Date(at).toISOString(),
    url: linkTo(app, request, `/tasks/${id}/artifacts/${encodeURIComponent(name)}`),
  }));
  return json({ artifacts });
}

/**
 * `GET /tasks/{id}/artifacts/{name}`: its bytes, all or a part, to be saved: what a task made never
 * runs in a browser as if it were ours.
 */
export async function getArtifact(app: App, { request, params }: RouteContext): Promise<Response> {
  const id = pathId(params.id, "task");
  const name = params.name ?? "";
  const artifact = await app.engine.artifacts.get(id, name);
  if (artifact === null) {
    await requireTask(app, id);
    throw new HttpError(404, `Task ${id} has no artifact of this name`);
  }
  const { size, type, sha256 } = artifact;
  const etag = `"${sha256}"`;
  const headers = new Headers({
    etag,
    "content-type": type,
    "content-disposition": `attachment; filename*=UTF-8''${encoded(name)}`,
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
  });
  if (!ifNoneMatch(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  const range = byteRange(request.headers, size, etag);
  if (range === null) {
    throw new HttpError(
      416,
      `The artifact has ${size} bytes: the range that was asked for is not in it`,
      {
        field: "Range",
        headers: { "content-range": `bytes */${size}` },
      },
    );
  }
  const { start, end } = range === "all" ? { start: 0, end: size } : range;
  headers.set("content-length", `${end - start}`);
  if (range !== "all") headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  const status = range === "all" ? 200 : 206;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  const blocks = blocksOf(app, artifact, { start, end });
  const body = pacedStream(blocks, { held: 2 * CHUNKS * CHUNK_BYTES });
  return new Response(body, { status, headers });
}

async function* blocksOf(
  { engine: { artifacts } }: App,
  artifact: StoredArtifact,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array, void> {
  for (let at = start; at < end;) {
    const chunks = await artifacts.read(artifact, at, end, CHUNKS);
    // Another one of its name took its place, or its task was removed.
    if (chunks === null) throw new Error("The artifact was removed while it was read");
    const block = concat(chunks);
    at += block.length;
    yield block;
  }
}

/** RFC 8187: also what `encodeURIComponent()` leaves. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
