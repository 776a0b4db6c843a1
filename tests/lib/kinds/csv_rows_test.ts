import { assertEquals } from "@std/assert";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import type { CsvDialect } from "../../../lib/kinds/csv_dialect.ts";
import { CsvRows } from "../../../lib/kinds/csv_rows.ts";

const DIALECT: CsvDialect = { bom: 0, newline: 10, delimiter: "," };
const encoder = new TextEncoder();

interface Reading {
  rows: string[][];
  lines: number[];
  malformed: { line: number; reason: string }[];
  invalidUtf8: number[];
}

function readAll(bytes: Uint8Array, dialect = DIALECT, maxRecord?: number): Reading {
  const reader = new CsvRows(dialect, undefined, maxRecord);
  const all: Reading = { rows: [], lines: [], malformed: [], invalidUtf8: [] };
  reader.push(bytes);
  reader.finish();
  for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
    all.rows.push(...batch.rows);
    all.lines.push(...batch.lines);
    if (batch.malformed !== undefined) all.malformed.push(batch.malformed);
    if (batch.invalidUtf8 !== undefined) all.invalidUtf8.push(batch.invalidUtf8);
  }
  return all;
}

Deno.test("CsvRows reads what RFC 4180 allows", () => {
  const { rows, lines, malformed } = readAll(
    encoder.encode('a,b\r\n"x, ""y""","1\n2"\n,\n\n"",""\nä,\0\nlast,'),
  );
  assertEquals(rows, [["a", "b"], ['x, "y"', "1\n2"], ["", ""], ["", ""], ["ä", "\0"], [
    "last",
    "",
  ]]);
  assertEquals(lines, [1, 2, 4, 6, 7, 8]);
  assertEquals(malformed, []);
});

Deno.test("CsvRows gives up the line where quotes break, and goes on with the next", () => {
  const { rows, malformed } = readAll(
    encoder.encode('a,"b"\n1,x"y"\n2,"p"q\n3,"open\n4,"fine"\n5,""\n6,"open\n7,8\n'),
  );
  assertEquals(rows, [["a", "b"], ["4", "fine"], ["5", ""], ["7", "8"]]);
  assertEquals(malformed, [
    { line: 2, reason: "a quote inside an unquoted cell" },
    { line: 3, reason: "text after a closing quote" },
    { line: 4, reason: "text after a closing quote" },
    { line: 7, reason: "a quote is not closed" },
  ]);
});

Deno.test("CsvRows gives up on a record that is too long", () => {
  const { rows, malformed } = readAll(
    encoder.encode(`a\n"${"b\n".repeat(20)}"\nc\n`),
    DIALECT,
    30,
  );
  assertEquals(malformed, [
    { line: 2, reason: "no end within 30 bytes" },
    { line: 22, reason: "a quote is not closed" },
  ]);
  assertEquals(rows.flat().join(""), `a${"b".repeat(19)}c`);
});

Deno.test("CsvRows tells the first line that is not UTF-8, and reads on", () => {
  const bytes = Uint8Array.of(97, 10, 34, 0xff, 34, 10, 0xe2, 0x82, 10, 98, 10);
  const { rows, invalidUtf8 } = readAll(bytes);
  assertEquals(rows, [["a"], ["\ufffd"], ["\ufffd"], ["b"]]);
  assertEquals(invalidUtf8, [2]);
});

Deno.test("CsvRows reads CR line ends and delimiters of several bytes", () => {
  const { rows } = readAll(encoder.encode('a¦"b\r"\rc\nd¦e\r'), {
    bom: 0,
    newline: 13,
    delimiter: "¦",
  });
  assertEquals(rows, [["a", "b\r"], ["c\nd", "e"]]);
});

Deno.test("CsvRows reads any table that is written by the rules, quoted or not", () => {
  const cell = fc.string({
    unit: fc.constantFrom("a", "é", "😀", ",", ";", '"', "\n", "\r", " ", "\0", "0"),
    maxLength: 6,
  });
  const table = fc.integer({ min: 2, max: 4 }).chain((width) =>
    fc.array(fc.array(fc.tuple(cell, fc.boolean()), { minLength: width, maxLength: width }), {
      maxLength: 20,
    })
  );
  const end = fc.constantFrom("\n", "\r\n");
  fc.assert(
    fc.property(table, end, fc.constantFrom(",", ";"), (table, end, delimiter) => {
      const text = table.map((row) =>
        row.map(([cell, quote]) =>
          quote || /[,;"\r\n\0]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
        ).join(delimiter) + end
      ).join("");
      const { rows, malformed } = readAll(encoder.encode(text), { ...DIALECT, delimiter });
      assertEquals(rows, table.map((row) => row.map(([cell]) => cell)));
      assertEquals(malformed, []);
    }),
    { numRuns: 500 },
  );
});

Deno.test("CsvRows splits records without quotes as csv-parse does, whatever bytes they hold", () => {
  const byte = fc.constantFrom(97, 44, 10, 32, 0, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0xef, 0xbb, 0xbf);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (values) => {
      const bytes = Uint8Array.from(values);
      const expected = parse(bytes, {
        delimiter: ",",
        record_delimiter: "\n",
        relax_column_count: true,
        skip_empty_lines: true,
      });
      assertEquals(readAll(bytes).rows, expected);
    }),
    { numRuns: 1000 },
  );
});
