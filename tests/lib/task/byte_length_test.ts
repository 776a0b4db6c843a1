import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { byteLength } from "../../../lib/task/byte_length.ts";

Deno.test("byteLength() is the number of bytes that any text takes in UTF-8", () => {
  const encoder = new TextEncoder();
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assertEquals(byteLength(text), encoder.encode(text).length);
  }));
  // Lone surrogates, and a pair.
  for (const text of ["\ud800", "a\udc00b", "\ud83d\ude00", "\udc00\ud800"]) {
    assertEquals(byteLength(text), encoder.encode(text).length);
  }
});
