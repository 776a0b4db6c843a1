import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { InexactNumberError, parseExact } from "../../../lib/base/exact_json.ts";

function pathOf(text: string): string {
  return assertThrows(() => parseExact(text), InexactNumberError).path.join(".");
}

Deno.test("parseExact() refuses a number that would be stored as another one, and gives its path", () => {
  for (
    const number of [
      "9007199254740993",
      "-9007199254740993",
      "9007199254740993.0",
      "9007199254740992.5",
      "9.007199254740993e15",
      "900719925474099.3E+1",
      "90071992547409930e-1",
      "12345678901234567890",
      // Exactly a double, but JSON.stringify() writes it with other digits.
      "18446744073709551616",
      "1e400",
      "-1e400",
      "1e-400",
      `1e${"9".repeat(50)}`,
      `0.${"0".repeat(400)}1`,
    ]
  ) {
    assertEquals(pathOf(number), "", number);
    assertEquals(pathOf(`{"input":{"rows":[{"id":1},{"id":${number}}]}}`), "input.rows.1.id");
    assertEquals(pathOf(`{"":[${number}]}`), ".0");
  }
  assertEquals(pathOf('{"__proto__":{"a":1e400}}'), "__proto__.a");
});

Deno.test("parseExact() takes a number whose digits JSON writes back unchanged, and rounds decimals", () => {
  for (
    const number of [
      "9007199254740991",
      "9007199254740992",
      "100000000000000000000",
      "1e23",
      "1.7976931348623157e308",
      "5e-324",
      "0.1000000000000000055511151231257827",
      "0e5",
      "-0.00000000000000000000",
      `1${"0".repeat(20)}.000`,
    ]
  ) {
    assertEquals(parseExact(`[${number}]`), JSON.parse(`[${number}]`), number);
  }
  // Digits within a string are not a number.
  assertEquals(parseExact('{"9007199254740993":"1e400 9007199254740993"}'), {
    "9007199254740993": "1e400 9007199254740993",
  });
  assertThrows(() => parseExact("1e400x"), SyntaxError);
});

Deno.test("parseExact() reads all that JSON.stringify() writes, as JSON.parse() does", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    assertEquals(parseExact(text), JSON.parse(text));
  }));
});

Deno.test("parseExact() takes those whole numbers that JSON keeps digit for digit, and refuses the others", () => {
  const upTo = (max: bigint) => fc.bigInt({ min: -max, max });
  const number = fc.tuple(fc.oneof(upTo(2n ** 54n), upTo(10n ** 25n)), fc.nat({ max: 5 }));
  fc.assert(fc.property(number, ([whole, zeros]) => {
    const text = `${whole}${whole === 0n ? "" : "0".repeat(zeros)}`;
    // Compared by digits, as JSON.stringify() writes large numbers with an exponent: 1e+23.
    const shown = JSON.stringify(JSON.parse(text));
    const [digits = "", exponent = "0"] = shown.replace("-", "").split("e+");
    const [head = "", tail = ""] = digits.split(".");
    const again = head + tail.padEnd(Number(exponent), "0");
    if (BigInt(again) === BigInt(text.replace("-", ""))) {
      assertEquals(parseExact(text), JSON.parse(text));
    } else {
      assertEquals(pathOf(text), "");
    }
  }));
});
