import { unpacked } from "../lib/http/content_coding.ts";
import { HttpError } from "../lib/http/errors.ts";
import { formFile, isForm, MAX_AROUND } from "../lib/http/form_file.ts";
import { json, withDeadline } from "../lib/http/http.ts";
import { StoreError } from "../lib/store/store_error.ts";
import { cut, MAX_FILE_NAME, plainText } from "../lib/task/text.ts";
import { NoRoom } from "../lib/kv/no_room.ts";
import type { App, RouteContext } from "./app.ts";
import { readLabels } from "./filter.ts";
import { requireOwner, whoseTheirs } from "./theirs.ts";

/** Milliseconds that an upload may take in total. */
const TOTAL_MS = 6 * 3600_000;

interface Incoming {
  name: string | null;
  content: AsyncIterable<Uint8Array>;
  /** Bytes, where they are known before; else 0. */
  length: number;
}

/**
 * `POST /uploads`: a file, streamed into the store: the raw body, or the one file of a form. Either
 * may be packed by gzip. `?name=` names it, `X-Filename`, or the form; `?owner=` says whose it is.
 */
export async function createUpload(app: App, context: RouteContext): Promise<Response> {
  const { store, uploads } = app.engine;
  try {
    const owner = requireOwner(context.principal, readLabels(context.url).owner);
    const whose = whoseTheirs(context.principal, owner);
    const { name, content, length } = await incoming(app, context);
    store.requireStore();
    return json(await uploads.add(content, fileName(name), length, whose), 201);
  } catch (error) {
    await context.request.body?.cancel().catch(() => {});
    if (error instanceof HttpError || error instanceof StoreError) throw error;
    if (error instanceof NoRoom) {
      const { message, bound } = error;
      throw new HttpError(507, message, { field: "body", extra: { bound } });
    }
    app.log.error("an upload could not be stored", { error });
    throw new StoreError("stalled");
  }
}

async function incoming(
  app: App,
  { request: { headers, body }, url }: RouteContext,
): Promise<Incoming> {
  const { maxUpload, bodyTimeoutMs } = app.config;
  const type = headers.get("content-type");
  const form = isForm(type);
  const length = Number(headers.get("content-length") ?? 0);
  const bound = form || headers.has("content-encoding") ? maxUpload + MAX_AROUND : maxUpload;
  if (length > bound) throw tooLarge(maxUpload);
  const sent = body === null ? nothing() : withDeadline(body, bodyTimeoutMs, TOTAL_MS);
  const plain = unpacked(headers, bounded(sent, bound, maxUpload));
  const named = url.searchParams.get("name") ?? decoded(headers.get("x-filename"));
  if (!form) {
    return {
      name: named,
      content: bounded(plain, maxUpload),
      length: bound === maxUpload ? length : 0,
    };
  }
  const { name, content } = await formFile(type!, plain);
  return { name: named ?? name, content: bounded(content, maxUpload), length: 0 };
}

/** @param told What the error names, where it is not the bound itself. */
async function* bounded(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  told = bytes,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytes) throw tooLarge(told);
    yield chunk;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function tooLarge(bytes: number): HttpError {
  return new HttpError(413, `The upload is larger than ${bytes} bytes`, { field: "body" });
}

/** @throws {HttpError} 400 where it has control characters. */
function fileName(name: string | null): string | null {
  if (name === null || name === "") return name;
  const short = cut(name, MAX_FILE_NAME);
  if (NAME_PATTERN.test(short)) return short;
  throw new HttpError(400, "'name' must be a file's name, without control characters", {
    field: "name",
  });
}

const NAME_PATTERN = plainText(MAX_FILE_NAME);

/** Headers carry ASCII: a client sends other characters percent-encoded. */
function decoded(header: string | null): string | null {
  try {
    return header === null ? null : decodeURIComponent(header);
  } catch {
    return header;
  }
}
