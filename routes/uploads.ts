import { HttpError } from "../lib/http/errors.ts";
import { json, withDeadline } from "../lib/http/http.ts";
import { StoreError } from "../lib/store/store_error.ts";
import { UploadRefused } from "../lib/kv/uploads.ts";
import type { App, RouteContext } from "./app.ts";

/** Milliseconds an upload may take in all. */
const TOTAL_MS = 6 * 3600_000;

/** `POST /uploads`: the raw body, streamed into the store. `X-Filename` or `?name=` names it. */
export async function createUpload(app: App, { request, url }: RouteContext): Promise<Response> {
  const { maxUpload, bodyTimeoutMs } = app.config;
  const tooLarge = () =>
    new HttpError(413, `The upload is larger than ${maxUpload} bytes`, { field: "body" });
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > maxUpload) {
    await request.body?.cancel();
    throw tooLarge();
  }
  const name = url.searchParams.get("name") ?? fileName(request.headers.get("x-filename"));
  const body = request.body ?? new ReadableStream<Uint8Array>({ start: (it) => it.close() });
  async function* limited(): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const chunk of withDeadline(body, bodyTimeoutMs, TOTAL_MS)) {
      size += chunk.length;
      if (size > maxUpload) throw tooLarge();
      yield chunk;
    }
  }
  const { store, uploads } = app.engine;
  store.requireStore();
  try {
    return json(
      await uploads.add(limited(), name === null ? null : name.slice(0, 255), length),
      201,
    );
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (error instanceof UploadRefused) {
      const { message, bound } = error;
      throw new HttpError(507, message, { field: "body", extra: { bound } });
    }
    app.log.error("an upload could not be stored", { error });
    throw new StoreError("stalled");
  }
}

/** Headers carry ASCII: a client sends other characters percent-encoded. */
function fileName(header: string | null): string | null {
  try {
    return header === null ? null : decodeURIComponent(header);
  } catch {
    return header;
  }
}
