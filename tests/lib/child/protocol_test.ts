import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  encodeBytesFrame,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FromTasks,
} from "../../../lib/child/protocol.ts";

const frame: fc.Arbitrary<Frame<FromTasks>> = fc.oneof(
  fc.array(fc.string({ unit: "binary" })).map((kinds) => ({
    message: { type: "failed" as const, reason: kinds.join().toWellFormed(), stack: "" },
  })),
  fc.record({
    number: fc.maxSafeInteger(),
    bytes: fc.uint8Array({ maxLength: 200 }),
  }),
);

function encode(frame: Frame<FromTasks>): Uint8Array {
  return "message" in frame
    ? encodeFrame(frame.message)
    : encodeBytesFrame(frame.number, frame.bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("FrameDecoder returns the frames that were sent, wherever the stream is cut", () => {
  const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(frame), cuts, (frames, cuts) => {
      const bytes = joined(frames.map(encode));
      const decoder = new FrameDecoder<FromTasks>();
      const got: Frame<FromTasks>[] = [];
      let at = 0;
      for (let n = 0; at < bytes.length; n++) {
        // Chunks may be empty, but not all of them.
        const size = n < 1000 ? cuts[n % cuts.length]! : bytes.length;
        got.push(...decoder.push(bytes.slice(at, at += size)));
      }
      assertEquals(got, frames);
    }),
    { numRuns: 500 },
  );
});

Deno.test("FrameDecoder returns a copy of the bytes, not a view of the chunk", () => {
  const chunk = encodeBytesFrame(1, Uint8Array.of(1, 2, 3));
  const [frame] = new FrameDecoder<FromTasks>().push(chunk);
  chunk.fill(0);
  assertEquals(frame, { number: 1, bytes: Uint8Array.of(1, 2, 3) });
});

Deno.test("FrameDecoder refuses bytes that are not a frame of its protocol", () => {
  const tooLong = new Uint8Array(5);
  new DataView(tooLong.buffer).setUint32(0, 65 * 1024 * 1024, true);
  tooLong[4] = 1;
  const unknownType = encodeFrame({ type: "ready", kinds: [] });
  unknownType[4] = 9;
  const noJson = encodeFrame({ type: "ready", kinds: [] });
  noJson[5] = 0;
  const printed = new TextEncoder().encode("hello, world\n");
  for (const chunk of [tooLong, unknownType, noJson, printed]) {
    assertThrows(() => new FrameDecoder().push(chunk), SyntaxError);
  }
});
