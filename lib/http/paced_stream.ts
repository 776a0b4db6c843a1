/**
 * A body that is made as fast as its reader reads, one block ahead, and dropped when that stops.
 *
 * @module
 */

import { ReaderGuard, type ReaderGuardOptions } from "./reader_guard.ts";

export interface PacedStreamOptions extends ReaderGuardOptions {
  /** Bytes of two blocks. */
  held: number;
}

/** What the blocks throw breaks the body off. */
export function pacedStream(
  blocks: AsyncGenerator<Uint8Array, void>,
  { held, ...options }: PacedStreamOptions,
): ReadableStream<Uint8Array> {
  const guard = new ReaderGuard(options, () => void blocks.return().catch(() => {}));
  let next = ahead(blocks);
  return new ReadableStream<Uint8Array>({
    start: (controller) => guard.start(controller),
    async pull(controller) {
      guard.reads();
      const { done, value } = await next.catch((error) => {
        guard.end();
        throw error;
      });
      if (done) {
        guard.end();
        return controller.close();
      }
      controller.enqueue(value);
      next = ahead(blocks);
      guard.waits(held);
    },
    cancel: () => guard.end(),
  }, { highWaterMark: 0 });
}

/** Its error is told when it is wanted. */
function ahead<T>(blocks: AsyncGenerator<T, void>): Promise<IteratorResult<T, void>> {
  const next = blocks.next();
  next.catch(() => {});
  return next;
}
