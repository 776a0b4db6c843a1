/**
 * A large body, sent as fast as its reader reads, and dropped when the reader stops: `Deno.serve`
 * would keep all of it in memory for ever.
 *
 * @module
 */

import { ReaderGuard, type ReaderGuardOptions } from "./reader_guard.ts";

const encoder = new TextEncoder();

/** Bytes sent at once. A body smaller than two chunks is not worth a stream. */
const CHUNK = 64 * 1024;

/** Returns a small body as it is. */
export function pacedBody(
  body: string | Uint8Array<ArrayBuffer>,
  options: ReaderGuardOptions = {},
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (body.length < 2 * CHUNK) return body;
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  let at = 0;
  const guard = new ReaderGuard(options);
  return new ReadableStream<Uint8Array>({
    start: (controller) => guard.start(controller),
    pull(controller) {
      guard.reads();
      controller.enqueue(bytes.subarray(at, at + CHUNK));
      at += CHUNK;
      // All of its bytes are held: the chunks are views of one buffer.
      if (at < bytes.length) return guard.waits(bytes.length);
      guard.end();
      controller.close();
    },
    cancel: () => guard.end(),
  }, { highWaterMark: 0 });
}
