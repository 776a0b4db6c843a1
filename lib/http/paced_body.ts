/**
 * A large body, sent as fast as its reader reads, and dropped when the reader stops: `Deno.serve`
 * would wait forever with all of it in memory.
 *
 * @module
 */

import { AwakeTimer } from "../base/awake_timer.ts";
import { BACKLOG, type Backlog } from "../base/backlog.ts";

const encoder = new TextEncoder();

/** Bytes sent at once. A body of less than two chunks is not worth a stream. */
const CHUNK = 64 * 1024;

/** Milliseconds after which a reader that takes nothing is dropped, as from a stream. */
export const STALL_MS = 60_000;

/** Returns a small body as it is. */
export function pacedBody(
  body: string | Uint8Array<ArrayBuffer>,
  stallMs = STALL_MS,
  backlog: Backlog = BACKLOG,
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (body.length < 2 * CHUNK) return body;
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  let at = 0;
  const timer = new AwakeTimer();
  const end = () => {
    timer.clear();
    backlog.forget(waiting);
  };
  let giveUp = end;
  const waiting = { letGo: () => giveUp() };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      giveUp = () => {
        end();
        controller.error(new Error("The client stopped reading"));
      };
    },
    pull(controller) {
      timer.clear();
      controller.enqueue(bytes.subarray(at, at + CHUNK));
      at += CHUNK;
      if (at >= bytes.length) {
        end();
        return controller.close();
      }
      timer.set(stallMs, () => giveUp());
      // All of it: the chunks are parts of one buffer.
      backlog.note(waiting, bytes.length, performance.now(), true);
    },
    cancel: end,
  }, { highWaterMark: 0 });
}
