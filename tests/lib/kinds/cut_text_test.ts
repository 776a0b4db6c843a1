import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { cutText } from "../../../lib/kinds/cut_text.ts";

Deno.test("cutText() keeps what fits, and cuts between code points", () => {
  assertEquals(cutText("abc", 5), "abc");
  assertEquals(cutText("abc", 4), "ab");
  assertEquals(cutText("a😀", 6), "a");
  assertEquals(cutText("a😀", 7), "a😀");
  assertEquals(cutText("\0\0", 8), "\0");
});

Deno.test("cutText() gives the longest beginning that its bound allows", () => {
  const encoder = new TextEncoder();
  const bytesOf = (text: string) => encoder.encode(JSON.stringify(text)).length;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 2, max: 40 }), (text, max) => {
      const cut = cutText(text, max);
      assert(text.startsWith(cut));
      assert(bytesOf(cut) <= max);
      const [next] = text.slice(cut.length);
      if (next !== undefined) assert(bytesOf(cut + next) > max);
    }),
  );
});
