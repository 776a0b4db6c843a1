import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isDeeper } from "../../../lib/http/json_depth.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

Deno.test("isDeeper() counts levels of arrays and objects, whatever strings contain", () => {
  const text = fc.stringMatching(/^[[\]{}"\\a]*$/);
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      text,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(text, tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(fc.property(json, fc.nat(8), fc.boolean(), (value, levels, wide) => {
    const deeper = isDeeper(JSON.stringify(value, null, wide ? 2 : 0), levels);
    assertEquals(deeper, depthOf(value) > levels);
  }));
});

Deno.test("isDeeper() does not overflow the stack, even at five million levels", () => {
  const deep = "[".repeat(5_000_000);
  assertEquals([isDeeper(deep, 5_000_000), isDeeper(deep, 4_999_999)], [false, true]);
});
