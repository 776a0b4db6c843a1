/**
 * Encodes Server-Sent Events (WHATWG HTML, "Server-sent events").
 *
 * @module
 */

const encoder = new TextEncoder();

export interface SseMessage {
  /** The event's name; without one it is a `message`. No CR, LF or NUL. */
  event?: string | undefined;
  /** Becomes the client's last event id. No CR, LF or NUL. */
  id?: string | undefined;
  /** The text; each of its lines (CRLF, CR or LF) is a `data` line. */
  data?: string | undefined;
  /** Milliseconds a client waits before it connects again. */
  retry?: number | undefined;
}

/**
 * One message as text, its closing blank line included.
 *
 * @example
 * ```ts
 * import { encodeMessage } from "./encode.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   encodeMessage({ event: "log", id: "7", data: "two\nlines" }),
 *   "id: 7\nevent: log\ndata: two\ndata: lines\n\n",
 * );
 * ```
 *
 * @throws {TypeError} If `event` or `id` holds a CR, LF or NUL, which would forge fields.
 * @throws {RangeError} If `retry` is not a whole number of milliseconds.
 */
export function encodeMessage(message: SseMessage): string {
  const { event, id, data, retry } = message;
  let text = "";
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) {
      throw new RangeError(`Cannot encode 'retry' as it is not a whole number: ${retry}`);
    }
    text += `retry: ${retry}\n`;
  }
  if (id !== undefined) text += `id: ${field("id", id)}\n`;
  if (event !== undefined) text += `event: ${field("event", event)}\n`;
  if (data !== undefined) {
    // A client strips one space after the colon, which must not be one of the text's own.
    for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  }
  return `${text}\n`;
}

function field(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) {
    throw new TypeError(
      `Cannot encode '${name}' as it holds a CR, LF or NUL: ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** {@link encodeMessage}, as bytes. */
export function encodeBytes(message: SseMessage): Uint8Array<ArrayBuffer> {
  return encoder.encode(encodeMessage(message));
}

/** A comment, which clients ignore: it keeps the connection in use. */
export const HEARTBEAT: Uint8Array<ArrayBuffer> = encoder.encode(": heartbeat\n\n");

/**
 * Headers of every stream. `no-transform` and `X-Accel-Buffering` keep proxies from compressing and
 * buffering; none is hop-by-hop, so that HTTP/2 takes them too.
 */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};
