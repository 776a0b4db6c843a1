import { Buffer } from "node:buffer";
import { asciiEnd, SAMPLE_BYTES } from "./text_encoding.ts";

/**
 * Passes on the pieces of a file, and calls `settle` with a sample that begins with the first byte
 * beyond ASCII before it passes that byte on. The sample does not depend on how the file is cut.
 */
export async function* untilForeign(
  source: AsyncIterable<Uint8Array>,
  settle: (sample: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let sampled = 0;
  let settled = false;
  for await (const piece of source) {
    const at = settled || held.length > 0 ? 0 : asciiEnd(piece);
    if (settled || at === piece.length) {
      yield piece;
      continue;
    }
    // A piece is only good until the next.
    held.push(piece.slice());
    sampled += piece.length - at;
    if (sampled >= SAMPLE_BYTES) yield* release();
  }
  if (held.length > 0) yield* release();

  function release(): Uint8Array[] {
    const bytes = Buffer.concat(held);
    const at = asciiEnd(bytes);
    settle(bytes.subarray(at, at + SAMPLE_BYTES));
    settled = true;
    const pieces = held;
    held = [];
    return pieces;
  }
}
