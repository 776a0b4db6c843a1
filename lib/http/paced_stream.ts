/**
 * A body that is read as fast as its reader reads, one block ahead, and dropped when the reader stops.
 *
 * @module
 */

import { AwakeTimer } from "../base/awake_timer.ts";
import { BACKLOG, type Backlog } from "../base/backlog.ts";
import { STALL_MS } from "./paced_body.ts";

export interface PacedStreamOptions {
  /** Bytes of two blocks. */
  held: number;
  /** Milliseconds after which a reader that takes nothing is dropped. @default {60_000} */
  stallMs?: number;
  /** What all readers together hold. */
  backlog?: Backlog;
}

/** What the blocks throw breaks the body off. */
export function pacedStream(
  blocks: AsyncGenerator<Uint8Array, void>,
  { held, stallMs = STALL_MS, backlog = BACKLOG }: PacedStreamOptions,
): ReadableStream<Uint8Array> {
  const timer = new AwakeTimer();
  let next = ahead(blocks);
  const end = () => {
    timer.clear();
    backlog.forget(waiting);
    void blocks.return().catch(() => {});
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
    async pull(controller) {
      timer.clear();
      const { done, value } = await next.catch((error) => {
        end();
        throw error;
      });
      if (done) {
        end();
        return controller.close();
      }
      controller.enqueue(value);
      next = ahead(blocks);
      timer.set(stallMs, () => giveUp());
      backlog.note(waiting, held, performance.now(), true);
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

/** Its error is told when it is wanted. */
function ahead<T>(blocks: AsyncGenerator<T, void>): Promise<IteratorResult<T, void>> {
  const next = blocks.next();
  next.catch(() => {});
  return next;
}
