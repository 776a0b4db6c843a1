import { assertEquals, assertThrows } from "@std/assert";
import { detectDialect, type DialectGiven } from "../../../lib/kinds/csv_dialect.ts";

function detect(text: string, given: DialectGiven = {}): ReturnType<typeof detectDialect> {
  return detectDialect(new TextEncoder().encode(text), "utf-8", given);
}

Deno.test("detectDialect() finds the delimiter", () => {
  const cases: [string, string][] = [
    ["a,b,c\n1,2,3\n", ","],
    ["a;b\n1,5;2,5\n3,5;4,5\n", ";"],
    ["item;price, EUR\nA;1,50\nB;2,75\n", ";"],
    ["a;b, c;d\nx, y;1;2\nz, w;3;4\n", ";"],
    ["id, name\n1, Ann\n2\n3, Bob\n", ","],
    ["a\tb\n1,2\t3\n", "\t"],
    ["a|b|c\n1|2|3\n", "|"],
    ["a^b\n1^2\n", "^"],
    ["a~b\n1~2\n", "~"],
    ['"a;x;y",b\n1,2\n', ","],
    ["name,note\nx,a;b\ny,c;d;e\n", ","],
    ["sep=|\na;b|c\n1;2|3\n", "|"],
    ["", ","],
    ["a;b", ";"],
    ['a;b\n"never closed,,,,\n1;2\n3;4\n', ";"],
    // A header that lacks a name: the rows below it count as malformed later.
    ["a\n1;x\n2;y\n", ";"],
  ];
  for (const [text, delimiter] of cases) {
    assertEquals(detect(text).dialect.delimiter, delimiter, text);
  }
});

Deno.test("detectDialect() lets no delimiter in its text split a single column", () => {
  const cases = ["one\ntwo\n", "name\nDoe, Jane\nRoe, Ann\n", "price\n1,50\n2,75\n"];
  for (const text of cases) {
    assertEquals(
      detect(text).rows.map(({ cells }) => cells.length),
      text.split("\n").slice(1).map(() => 1),
      text,
    );
  }
});

Deno.test("detectDialect() throws, rather than guesses, if two delimiters fit equally well", () => {
  for (const text of ["a;b,c\nd;e,f\n", "a|b\tc"]) {
    assertThrows(() => detect(text), Error, 'give "delimiter"');
  }
  assertEquals(detect("a;b,c\nd;e,f\n", { delimiter: ";" }).rows[1]!.cells, ["d", "e,f"]);
});

Deno.test("detectDialect() takes a backslash as an escape only if rows would break otherwise", () => {
  assertEquals(detect('a,b\n"x \\"y\\"",1\n').dialect.escape, true);
  assertEquals(detect('a,b\n"C:\\",1\n"D:\\",2\n').dialect.escape, false);
});
