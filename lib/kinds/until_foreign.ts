import { Buffer } from "node:buffer";
import { asciiEnd, SAMPLE_BYTES } from "./text_encoding.ts";

/**
 * Passes on the chunks of a file, and calls `onsample` with a sample that begins with the first byte
 * beyond ASCII before it passes that byte on. The sample does not depend on how the file is cut.
 */
export async function* untilForeign(
  source: AsyncIterable<Uint8Array>,
  onsample: (sample: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let sampleBytes = 0;
  let sampled = false;
  for await (const chunk of source) {
    const at = sampled || held.length > 0 ? 0 : asciiEnd(chunk);
    if (sampled || at === chunk.length) {
      yield chunk;
      continue;
    }
    // A chunk is only good until the next.
    held.push(chunk.slice());
    sampleBytes += chunk.length - at;
    if (sampleBytes >= SAMPLE_BYTES) yield* release();
  }
  if (held.length > 0) yield* release();

  function release(): Uint8Array[] {
    const bytes = Buffer.concat(held);
    const at = asciiEnd(bytes);
    onsample(bytes.subarray(at, at + SAMPLE_BYTES));
    sampled = true;
    const chunks = held;
    held = [];
    return chunks;
  }
}
