/**
 * `Content-Encoding` of requests (RFC 9110 §8.4): an upload may be compressed with gzip, and
 * nothing else may be compressed at all. An unknown coding is refused, since content that is stored
 * as it came would be taken for something else.
 *
 * @module
 */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { HttpError } from "./errors.ts";

/** Most bytes that come out at once, however few went in: `DecompressionStream` has no such bound. */
const CHUNK = 64 * 1024;

/** The coding of a body, in lower case; `"identity"` for none. */
export function codingOf(headers: Headers): string {
  const named = (headers.get("content-encoding") ?? "").toLowerCase().split(",")
    .map((name) => name.trim()).filter((name) => name !== "" && name !== "identity");
  return named.join(", ") || "identity";
}

/**
 * Refuses a compressed body.
 *
 * @throws {HttpError} 415
 */
export function requirePlain(headers: Headers): void {
  const coding = codingOf(headers);
  if (coding !== "identity") throw notTaken(coding, "identity", "send the body uncompressed");
}

/**
 * Decompresses a body, in chunks of bounded size.
 *
 * @throws {HttpError} 415 for a coding that is not accepted; while it is read, 400 if it is damaged or
 *   ends early.
 */
export function unpacked(
  headers: Headers,
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const coding = codingOf(headers);
  if (coding === "identity") return body;
  if (coding === "gzip" || coding === "x-gzip") return gunzip(body);
  throw notTaken(coding, "gzip", "compress an upload with gzip, or send it as it is");
}

function notTaken(coding: string, taken: string, advice: string): HttpError {
  const sentence = `Content-Encoding '${coding.slice(0, 64)}' is not accepted here: ${advice}`;
  return new HttpError(415, sentence, {
    field: "Content-Encoding",
    headers: { "accept-encoding": taken },
  });
}

async function* gunzip(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: CHUNK });
  // Its errors also come from `unzip`, which is read below.
  const feeding = pipeline(Readable.from(body), unzip).catch(() => {});
  try {
    yield* unzip;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, `The body is not a complete gzip file: ${why}`, { field: "body" });
  } finally {
    unzip.destroy();
    await feeding;
  }
}
