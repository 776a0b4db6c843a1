import { assertEquals } from "@std/assert";
import { decimalOf, plainNumber } from "../../../lib/kinds/plain_number.ts";

Deno.test("decimalOf() gives the decimal separator only if no cell contradicts it", () => {
  assertEquals(decimalOf(["1,50", "x", "2"]), ",");
  assertEquals(decimalOf(["1.50", "1,234"]), ".");
  assertEquals(decimalOf(["1.234,5"]), ",");
  assertEquals(decimalOf(["1.234.567"]), ",");
  assertEquals(decimalOf(["1,50", "1.50"]), undefined);
  assertEquals(decimalOf(["1,234", "1.234", "5"]), undefined);
});

Deno.test("plainNumber() writes a number as JavaScript does, and leaves other text as it is", () => {
  const cases: [string, "," | "." | undefined, string | undefined][] = [
    ["1,5", ",", "1.5"],
    ["-1.234.567,89", ",", "-1234567.89"],
    ["1.234", ",", "1234"],
    ["1.5", ",", undefined],
    ["1,5", undefined, "1,5"],
    ["1,234.5", ".", "1234.5"],
    ["1'234.5", ".", "1234.5"],
    ["1\u202f234", ".", "1234"],
    ["1 234,5", ",", "1234.5"],
    // May be a phone number.
    ["171 234 567", ",", "171 234 567"],
    ["1,23,456", ".", "1,23,456"],
    ["01.02.2026", ",", "01.02.2026"],
    ["a,5", ",", "a,5"],
  ];
  for (const [text, decimal, plain] of cases) assertEquals(plainNumber(text, decimal), plain, text);
});
