import { assertEquals, assertThrows } from "@std/assert";
import { detectDialect } from "../../../lib/kinds/csv_dialect.ts";

function detect(text: string): ReturnType<typeof detectDialect> {
  return detectDialect(new TextEncoder().encode(text));
}

Deno.test("detectDialect() finds the delimiter", () => {
  const cases: [string, string][] = [
    ["a,b,c\n1,2,3\n", ","],
    ["a;b\n1,5;2,5\n3,5;4,5\n", ";"],
    ["a\tb\n1,2\t3\n", "\t"],
    ["a|b|c\n1|2|3\n", "|"],
    ['"a;x;y",b\n1,2\n', ","],
    ["name,note\nx,a;b\ny,c;d;e\n", ","],
    ["one\ntwo\n", ","],
    ["", ","],
    ["a;b", ";"],
    ['a;b\n"never closed,,,,\n1;2\n3;4\n', ";"],
  ];
  for (const [text, delimiter] of cases) assertEquals(detect(text).delimiter, delimiter, text);
});

Deno.test("detectDialect() takes the delimiter it is given", () => {
  const sample = new TextEncoder().encode("a,b\n");
  assertEquals(detectDialect(sample, ";").delimiter, ";");
});

Deno.test("detectDialect() finds the line end, after a byte order mark too", () => {
  assertEquals(detect("a,b\r\n1,2\r\n"), { newline: "\n", delimiter: "," });
  assertEquals(detect("a,b\r1,2\r"), { newline: "\r", delimiter: "," });
  assertEquals(detect('a,b\r"1\n1",2\r').newline, "\r");
  assertEquals(detect('a,b\n"1\r1",2\n').newline, "\n");
  assertEquals(detect("\ufeffa;b\n"), { newline: "\n", delimiter: ";" });
  assertEquals(detect("a,b\r"), { newline: "\n", delimiter: "," });
});

Deno.test("detectDialect() refuses UTF-16", () => {
  for (const bom of [[0xff, 0xfe], [0xfe, 0xff]]) {
    assertThrows(() => detectDialect(Uint8Array.from([...bom, 97, 0])), Error, "UTF-16");
  }
});
