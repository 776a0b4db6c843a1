/**
 * What every route needs: JSON in and out, query parameters, the route table.
 *
 * @module
 */

import { HttpError } from "./errors.ts";
import { isDeeper } from "./json_depth.ts";
import { ULID } from "../kv/keys.ts";
import { pacedBody } from "./paced_body.ts";
import { concat } from "../base/bytes.ts";
import { deadline } from "../base/deadline.ts";

/** Levels of arrays and objects in a body, at the most. */
const MAX_DEPTH = 200;

/** A JSON response. `json` is text already. */
export function jsonText(json: string, status = 200, headers: HeadersInit = {}): Response {
  const all = new Headers(headers);
  all.set("content-type", "application/json");
  if (!all.has("cache-control")) all.set("cache-control", "no-store");
  return new Response(pacedBody(json), { status, headers: all });
}

/** A JSON response. */
export function json(value: unknown, status = 200, headers: HeadersInit = {}): Response {
  return jsonText(JSON.stringify(value), status, headers);
}

/** What {@link readJson} takes. */
export interface BodyLimits {
  /** Bytes, at the most. */
  maxBody: number;
  /** Milliseconds it may take to arrive. */
  bodyTimeoutMs: number;
}

/**
 * Reads a JSON body; `undefined` when there is none.
 *
 * @throws {HttpError} 400 when it is no JSON or nested too deep, 408 when it does not end, 413 when it is too large.
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const bytes = await readBody(request, limits);
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8", { field: "body" });
  }
  // Before it is parsed, which takes as long as it is deep.
  if (isDeeper(text, MAX_DEPTH)) {
    const sentence = `The body is nested deeper than ${MAX_DEPTH} levels`;
    throw new HttpError(400, sentence, { field: "body" });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw new HttpError(400, `The body is not JSON: ${why}`, { field: "body" });
  }
}

async function readBody(
  request: Request,
  { maxBody, bodyTimeoutMs }: BodyLimits,
): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const tooLarge = () =>
    new HttpError(413, `The body is larger than ${maxBody} bytes`, { field: "body" });
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) <= maxBody) return await inTime(request.bytes(), bodyTimeoutMs);
    await request.body.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of withDeadline(request.body, bodyTimeoutMs)) {
    size += chunk.length;
    if (size > maxBody) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** A body whose length is known, given up when it does not arrive in time. */
async function inTime(body: Promise<Uint8Array>, ms: number): Promise<Uint8Array> {
  const whole = body.catch(() => {
    throw new HttpError(400, "The body broke off", { field: "body" });
  });
  return await deadline(whole, ms, bodyIsLate);
}

function bodyIsLate(): never {
  throw new HttpError(408, "The body did not arrive in time");
}

/**
 * A body's chunks, given up when it pauses or drags on.
 *
 * @param idleMs Milliseconds the next chunk may take.
 * @param totalMs Milliseconds all of it may take.
 * @throws {HttpError} 408 when it takes longer, 400 when the client breaks off.
 */
export async function* withDeadline(
  body: ReadableStream<Uint8Array>,
  idleMs: number,
  totalMs: number = idleMs,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const end = performance.now() + totalMs;
  try {
    while (true) {
      const wait = Math.max(0, Math.min(idleMs, end - performance.now()));
      const { done, value } = await deadline(reader.read(), wait, bodyIsLate);
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "The body broke off", { field: "body" });
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * A whole number from the query.
 *
 * @throws {HttpError} 400 when it is none, or out of bounds.
 */
export function queryNumber(
  url: URL,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = url.searchParams.get(name);
  if (text === null || text === "") return fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new HttpError(
    400,
    `'${name}' must be a whole number from ${min} to ${max}: it is '${text.slice(0, 64)}'`,
    {
      field: name,
    },
  );
}

/**
 * The different words of a list from the query: named again, separated by commas, or both.
 *
 * @throws {HttpError} 400 when there are more than `max`.
 */
export function queryWords(url: URL, name: string, max: number): string[] {
  const words = new Set(url.searchParams.getAll(name).flatMap((text) => text.split(",")));
  words.delete("");
  if (words.size <= max) return [...words];
  throw new HttpError(400, `'${name}' must be ${max} words at the most: there are ${words.size}`, {
    field: name,
  });
}

/**
 * A task's or upload's id from the path.
 *
 * @throws {HttpError} 404 when it cannot be one: there is no such thing.
 */
export function pathId(text: string | undefined, what: string): string {
  const id = (text ?? "").toUpperCase();
  if (ULID.test(id)) return id;
  throw new HttpError(
    404,
    `There is no ${what} with this id: ids are 26 letters and digits (ULID)`,
  );
}
