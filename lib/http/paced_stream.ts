/**
 * A body that is made as fast as its reader reads, one block ahead, and dropped when that stops.
 *
 * @module
 */

import { ReaderGuard, type ReaderGuardOptions } from "./reader_guard.ts";

export interface PacedStreamOptions extends ReaderGuardOptions {
  /** Bytes that are held for the reader: those of two blocks. */
  held: number;
}

/** An error from `blocks` breaks the body off. */
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

/** Begins to make the next block. An error in it is thrown only when the block is awaited. */
function ahead<T>(blocks: AsyncGenerator<T, void>): Promise<IteratorResult<T, void>> {
  const next = blocks.next();
  next.catch(() => {});
  return next;
}
