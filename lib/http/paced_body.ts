/**
 * A large body, given out as fast as its reader reads, and given up when it stops: `Deno.serve` waits
 * for ever with all of it in memory.
 *
 * @module
 */

import { BACKLOG, type Backlog } from "../base/backlog.ts";

const encoder = new TextEncoder();

/** Bytes given out at once. Less than two of them are not worth a stream. */
const PIECE = 64 * 1024;

/** Milliseconds: a reader that takes nothing for so long is let go, as of a stream. */
const STALL_MS = 60_000;

/** A response's body. What is small stays as it is. */
export function pacedBody(
  body: string | Uint8Array<ArrayBuffer>,
  stallMs = STALL_MS,
  backlog: Backlog = BACKLOG,
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (body.length < 2 * PIECE) return body;
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    clearTimeout(timer);
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
      clearTimeout(timer);
      controller.enqueue(bytes.subarray(at, at + PIECE));
      at += PIECE;
      if (at >= bytes.length) {
        end();
        return controller.close();
      }
      timer = setTimeout(giveUp, stallMs);
      // All of it: the pieces are parts of one buffer.
      backlog.note(waiting, bytes.length, performance.now(), true);
    },
    cancel: end,
  }, { highWaterMark: 0 });
}
