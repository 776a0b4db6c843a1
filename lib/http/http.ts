/**
 * Helpers that most routes need: JSON in and out, query parameters, ids in the path.
 *
 * @module
 */

import { requirePlain } from "./content_coding.ts";
import { CutShortError, HttpError } from "./errors.ts";
import { isDeeper } from "./json_depth.ts";
import { ULID } from "../task/ulid.ts";
import { pacedBody } from "./paced_body.ts";
import { concat } from "../base/bytes.ts";
import { AwakeTimer } from "../base/awake_timer.ts";
import { deadline } from "../base/deadline.ts";
import { MAX_LEVELS } from "../task/limits.ts";
import { InexactNumberError, parseExact } from "../base/exact_json.ts";

/** Characters of a path that an error repeats. */
const MAX_FIELD = 200;

/** @param json JSON text. */
export function jsonText(json: string, status = 200, headers: HeadersInit = {}): Response {
  const all = new Headers(headers);
  all.set("content-type", "application/json");
  if (!all.has("cache-control")) all.set("cache-control", "no-store");
  return new Response(pacedBody(json), { status, headers: all });
}

export function json(value: unknown, status = 200, headers: HeadersInit = {}): Response {
  return jsonText(JSON.stringify(value), status, headers);
}

export interface BodyLimits {
  /** Bytes. */
  maxBody: number;
  /** Milliseconds within which it has to arrive. */
  bodyTimeoutMs: number;
}

/**
 * Reads a JSON body; `undefined` for an empty one.
 *
 * @throws {HttpError} 400 when it is not JSON, nested too deep or has a number that could not be kept,
 *   408 when it does not arrive in time, 413 when it is too large, 415 when it is packed.
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  requirePlain(request.headers);
  const bytes = await readBody(request, limits);
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8", { field: "body" });
  }
  // Checked before parsing, which recurses once a level.
  if (isDeeper(text, MAX_LEVELS)) {
    const sentence = `The body is nested deeper than ${MAX_LEVELS} levels`;
    throw new HttpError(400, sentence, { field: "body" });
  }
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof InexactNumberError) {
      const field = error.path.join(".").slice(0, MAX_FIELD) || "body";
      throw new HttpError(400, `'${field}' ${error.message}`, { field });
    }
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

/** Waits for a body whose length is known. */
async function inTime(body: Promise<Uint8Array>, ms: number): Promise<Uint8Array> {
  const whole = body.catch(() => {
    throw new CutShortError();
  });
  return await deadline(whole, ms, bodyIsLate);
}

function bodyIsLate(): never {
  throw new HttpError(408, "The body did not arrive in time");
}

/**
 * Yields a body's chunks.
 *
 * @param idleMs Milliseconds the next chunk may take.
 * @param totalMs Milliseconds the whole body may take.
 * @throws {HttpError} 408 when it takes longer, {@link CutShortError} when the connection breaks.
 */
export async function* withDeadline(
  body: ReadableStream<Uint8Array>,
  idleMs: number,
  totalMs: number = idleMs,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const whole = new AwakeTimer();
  let isLate = false;
  whole.set(totalMs, () => {
    isLate = true;
    reader.cancel().catch(() => {});
  });
  try {
    while (true) {
      const { done, value } = await deadline(reader.read(), idleMs, bodyIsLate);
      if (isLate) bodyIsLate();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw error instanceof HttpError ? error : new CutShortError();
  } finally {
    whole.clear();
    await reader.cancel().catch(() => {});
  }
}

/**
 * Reads a whole number from the query.
 *
 * @throws {HttpError} 400 when it is not a whole number, or out of bounds.
 */
export function queryNumber(
  url: URL,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
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
 * Reads a list from the query, without repetitions: a parameter given several times, words separated
 * by commas, or both.
 *
 * @throws {HttpError} 400 when there are more than `max`.
 */
export function queryWords(url: URL, name: string, max: number): string[] {
  const words = url.searchParams.getAll(name).flatMap((text) => text.split(","))
    .filter((word) => word !== "");
  if (words.length <= max) return [...new Set(words)];
  throw new HttpError(400, `'${name}' must list at most ${max} values: there are ${words.length}`, {
    field: name,
  });
}

/**
 * Reads the id of a task or upload from the path.
 *
 * @throws {HttpError} 404 when it cannot be an id.
 */
export function pathId(text: string | undefined, what: string): string {
  const id = (text ?? "").toUpperCase();
  if (ULID.test(id)) return id;
  throw new HttpError(
    404,
    `There is no ${what} with this id: ids are 26 letters and digits (ULID)`,
  );
}
