import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { SAMPLE_BYTES } from "../../../lib/kinds/text_encoding.ts";
import { untilForeign } from "../../../lib/kinds/until_foreign.ts";

Deno.test("untilForeign() passes on all bytes, and takes the same sample however they are cut", async () => {
  const file = new Uint8Array(200_000).fill(97);
  await fc.assert(
    fc.asyncProperty(
      fc.option(fc.nat({ max: file.length - 1 })),
      fc.integer({ min: 5_000, max: 70_000 }),
      async (foreign, size) => {
        const bytes = file.slice();
        if (foreign !== null) bytes[foreign] = 0xe9;
        async function* source() {
          const view = new Uint8Array(size);
          for (let at = 0; at < bytes.length; at += size) {
            const chunk = bytes.subarray(at, at + size);
            // A chunk is valid only until the next one.
            view.set(chunk);
            yield await Promise.resolve(view.subarray(0, chunk.length));
          }
        }
        const samples: number[] = [];
        let passed = 0;
        let seen = -1;
        const onsample = (sample: Uint8Array) => samples.push(sample[0]!, sample.length);
        for await (const chunk of untilForeign(source(), onsample)) {
          const at = chunk.indexOf(0xe9);
          if (at >= 0) {
            seen = passed + at;
            assertEquals(samples.length, 2);
          }
          passed += chunk.length;
        }
        assertEquals([passed, seen], [bytes.length, foreign ?? -1]);
        const rest = Math.min(SAMPLE_BYTES, bytes.length - (foreign ?? 0));
        assertEquals(samples, foreign === null ? [] : [0xe9, rest]);
      },
    ),
    { numRuns: 50 },
  );
});
