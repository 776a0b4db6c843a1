import { assertEquals } from "@std/assert";
import { type ByteRange, byteRange } from "../../../lib/http/byte_range.ts";

const ETAG = '"abc"';

const whole = "all";
const part = (start: number, end: number) => ({ start, end });

const CASES: [range: string | null, size: number, expected: ByteRange | "all" | null][] = [
  [null, 10, whole],
  ["bytes=0-0", 10, part(0, 1)],
  ["bytes=0-9", 10, part(0, 10)],
  ["bytes=3-", 10, part(3, 10)],
  ["bytes=3-99", 10, part(3, 10)],
  ["BYTES= 3-4 ", 10, part(3, 5)],
  ["bytes=-3", 10, part(7, 10)],
  ["bytes=-99", 10, part(0, 10)],
  ["bytes=10-", 10, null],
  ["bytes=-0", 10, null],
  ["bytes=0-", 0, null],
  ["bytes=-1", 0, null],
  // A range that is not valid, and several at once, are answered in full.
  ["bytes=4-3", 10, whole],
  ["bytes=-", 10, whole],
  ["bytes=0-1,3-4", 10, whole],
  ["rows=0-1", 10, whole],
  ["bytes=1e1-", 10, whole],
  [`bytes=${"9".repeat(400)}-`, 10, whole],
];

for (const [range, size, expected] of CASES) {
  Deno.test(`byteRange() gives ${JSON.stringify(expected)} for the range '${range?.slice(0, 40)}' of ${size} bytes`, () => {
    const headers = new Headers(range === null ? {} : { range });
    assertEquals(byteRange(headers, size, ETAG), expected);
  });
}

Deno.test("byteRange() gives the whole file when If-Range is not its ETag", () => {
  const of = (ifRange: string) =>
    byteRange(new Headers({ range: "bytes=1-2", "if-range": ifRange }), 10, ETAG);
  assertEquals(of(ETAG), part(1, 3));
  for (const other of ['"abd"', `W/${ETAG}`, "Fri, 27 Nov 2026 13:00:00 GMT"]) {
    assertEquals(of(other), whole);
  }
});
