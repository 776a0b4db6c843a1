import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RecordFramer } from "../../../lib/kinds/record_framer.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All records of a text; a frame with a problem costs its line, and is noted with a "!". */
function records(text: string, cuts: Iterable<number> = [Infinity], max = 20): string[] {
  const framer = new RecordFramer(10, undefined, max);
  const bytes = encoder.encode(text);
  const found: string[] = [];
  const sizes = cuts[Symbol.iterator]();
  function take(): void {
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      const content = decoder.decode(framer.bytes.subarray(frame.start, frame.end));
      if (frame.problem === undefined) {
        found.push(`${frame.line} ${content}`);
      } else {
        found.push(`${frame.line} !${frame.problem}`);
        framer.skipLine(frame);
      }
    }
  }
  for (let at = 0; at < bytes.length;) {
    const end = at + (sizes.next().value ?? 1);
    framer.push(bytes.subarray(at, end));
    at = end;
    take();
  }
  framer.finish();
  take();
  assertEquals(framer.position.offset, bytes.length);
  return found;
}

Deno.test("RecordFramer ends records at LF and CR LF outside of quotes, and skips empty lines", () => {
  assertEquals(records('a,b\r\n\n\r\n"c\nd",e\r\nlast'), ["1 a,b", '4 "c\nd",e', "6 last"]);
  assertEquals(records('"a""\n",b\nc'), ['1 "a""\n",b', "3 c"]);
  assertEquals(records(""), []);
  assertEquals(records("\n\r"), []);
});

Deno.test("RecordFramer gives up one line for a quote that is never closed", () => {
  assertEquals(records('a\n"b\nc\nd'), ["1 a", "2 !unclosed", "3 c", "4 d"]);
  assertEquals(records('a\n"b\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm'), [
    "1 a",
    "2 !long",
    ..."cdefghijklm".split("").map((letter, i) => `${i + 3} ${letter}`),
  ]);
});

Deno.test("RecordFramer drops a line longer than a record may be, in bounded memory", () => {
  const long = "x".repeat(21);
  assertEquals(records(`${"x".repeat(20)}\n${long}\nb`), [
    `1 ${"x".repeat(20)}`,
    "2 !long",
    "3 b",
  ]);
  const framer = new RecordFramer(10, undefined, 1000);
  for (let i = 0; i < 1000; i++) {
    framer.push(new Uint8Array(10_000).fill(120));
    const frame = framer.next();
    if (frame !== undefined) framer.skipLine(frame);
  }
  assertEquals(framer.position, { offset: 10_000_000, line: 1, skipping: true });
  assert(framer.bytes.length < 200_000);
});

Deno.test("RecordFramer finds the same records however the bytes are cut", () => {
  const text = fc.array(fc.constantFrom('"', "\n", "\r\n", "a", "é", ","), { maxLength: 80 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }), (text, cuts) => {
      assertEquals(records(text, cuts), records(text));
    }),
    { numRuns: 500 },
  );
});

Deno.test("RecordFramer goes on from any of its positions", () => {
  const text = fc.array(fc.constantFrom('"', "\n", "\r\n", "abc", ","), { maxLength: 60 })
    .map((parts) => encoder.encode(parts.join("")));
  fc.assert(fc.property(text, fc.nat({ max: 20 }), (bytes, after) => {
    function run(framer: RecordFramer, limit: number): string[] {
      const found: string[] = [];
      framer.push(bytes.subarray(framer.position.offset));
      framer.finish();
      while (found.length < limit) {
        const frame = framer.next();
        if (frame === undefined) break;
        found.push(`${frame.line} ${framer.bytes.subarray(frame.start, frame.end)}`);
        if (frame.problem !== undefined) framer.skipLine(frame);
      }
      return found;
    }
    const whole = run(new RecordFramer(10, undefined, 10), Infinity);
    const first = new RecordFramer(10, undefined, 10);
    const before = run(first, after);
    const rest = run(new RecordFramer(10, first.position, 10), Infinity);
    assertEquals([...before, ...rest], whole);
  }));
});
