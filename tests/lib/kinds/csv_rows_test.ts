import { assertEquals } from "@std/assert";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import type { CsvDialect } from "../../../lib/kinds/csv_rows.ts";
import { type CsvPosition, type CsvRow, CsvRows } from "../../../lib/kinds/csv_rows.ts";

const DIALECT: CsvDialect = { delimiter: ",", escape: false };
const encoder = new TextEncoder();

/** All rows of a file, and the reader's position after each chunk. */
function read(
  file: string | Uint8Array,
  dialect: CsvDialect = DIALECT,
  size = Infinity,
): { rows: CsvRow[]; after: { position: CsvPosition; rows: number }[] } {
  const bytes = typeof file === "string" ? encoder.encode(file) : file;
  const reader = new CsvRows(dialect);
  const rows: CsvRow[] = [];
  const after = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const row of reader.read(bytes.subarray(at, at + size))) rows.push(row);
    after.push({ position: reader.position, rows: rows.length });
  }
  rows.push(...reader.read());
  return { rows, after };
}

function cells(file: string | Uint8Array, dialect?: CsvDialect): string[][] {
  return read(file, dialect).rows.filter((row) => row.problem === undefined)
    .map((row) => row.cells);
}

function problems(file: string | Uint8Array, dialect?: CsvDialect): string[] {
  return read(file, dialect).rows.filter((row) => row.problem !== undefined)
    .map(({ line, problem }) => `${line}: ${problem}`);
}

Deno.test("CsvRows reads what RFC 4180 allows, and gives the line of each row", () => {
  const file = 'a,b\r\n"x, ""y""","1\n2"\n,\n\n"",""\nä,\0\nlast,';
  assertEquals(cells(file), [
    ["a", "b"],
    ['x, "y"', "1\n2"],
    ["", ""],
    ["", ""],
    ["ä", "\0"],
    ["last", ""],
  ]);
  assertEquals(read(file).rows.map((row) => row.line), [1, 2, 4, 6, 7, 8]);
});

Deno.test("CsvRows skips lines of white space, but no quoted cell", () => {
  assertEquals(cells('a\n \n\t\u3000\r\n" "\n""\nb\n  '), [["a"], [" "], [""], ["b"]]);
  const tabs = { ...DIALECT, delimiter: "\t" };
  assertEquals(cells("a\tb\n\t\n \n", tabs), [["a", "b"], ["", ""]]);
});

Deno.test("CsvRows reads a quote that does not begin a cell as text", () => {
  assertEquals(cells('id,part\n1,5" pipe\n2,6" pipe\n3,a "b" c\n'), [
    ["id", "part"],
    ["1", '5" pipe'],
    ["2", '6" pipe'],
    ["3", 'a "b" c'],
  ]);
});

Deno.test("CsvRows drops a line with broken quotes, and goes on with the next one", () => {
  const file = 'a,"b"\n2,"p"q\n3,"open\n4,"fine"\n5,""\n6,"open\n7,8\n';
  assertEquals(cells(file), [["a", "b"], ["4", "fine"], ["5", ""], ["7", "8"]]);
  assertEquals(problems(file), [
    "2: text after a closing quote",
    "3: text after a closing quote",
    "6: a quote is not closed",
  ]);
});

Deno.test("CsvRows drops a row that is longer than its bound, however the file is cut", () => {
  const most = "x\n".repeat(524_287);
  assertEquals(cells(`"${most}"\nlast\n`), [[most], ["last"]]);
  const tooLong = `a\n"${most}éé"\nlast\n`;
  // The second size cuts the file within the last é.
  for (const size of [65_536, 3 + 1_048_574 + 3, Infinity]) {
    const { rows } = read(tooLong, DIALECT, size);
    assertEquals(rows[1], {
      line: 2,
      cells: [],
      problem: "no end within 1048576 characters",
      undecoded: false,
    });
    // Only its first line is lost.
    assertEquals(rows.length, 2 + 524_287 + 1);
    assertEquals(rows.at(-1)!.cells, ["last"]);
  }
});

Deno.test("CsvRows marks the rows that are not UTF-8, and reads on", () => {
  const { rows } = read(Uint8Array.of(97, 10, 34, 0xff, 34, 10, 0xe2, 0x82, 10, 98, 10));
  assertEquals(rows.map(({ cells, undecoded }) => [cells[0], undecoded]), [
    ["a", false],
    ["\ufffd", true],
    ["\ufffd", true],
    ["b", false],
  ]);
});

Deno.test("CsvRows reads any line end, and delimiters of several bytes or UTF-16 units", () => {
  assertEquals(cells('a¦"b\r"\rc¦d\n\re¦\r\n', { ...DIALECT, delimiter: "¦" }), [
    ["a", "b\r"],
    ["c", "d"],
    ["e", ""],
  ]);
  assertEquals(cells('a😀"b"😀c\n', { ...DIALECT, delimiter: "😀" }), [["a", "b", "c"]]);
});

Deno.test("CsvRows finds the delimiters of a line again after a malformed row before it", () => {
  assertEquals(cells('"b\nc,",e,",f"g,h\n'), [["c", ",e,", 'f"g', "h"]]);
});

Deno.test("CsvRows keeps an escaped quote in its cell if the dialect has escapes", () => {
  const dialect = { delimiter: ",", escape: true };
  assertEquals(cells('"a \\"b\\", c","d\\\\"\n"C:\\x","e"\n', dialect), [
    ['a "b", c', "d\\"],
    ["C:\\x", "e"],
  ]);
});

Deno.test("CsvRows reads any table that is written as RFC 4180 says, quoted or not", () => {
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
      const dialect = { ...DIALECT, delimiter };
      assertEquals(cells(text, dialect), table.map((row) => row.map(([cell]) => cell)));
      assertEquals(problems(text, dialect), []);
    }),
    { numRuns: 500 },
  );
});

/** Bytes that mean something in CSV, and some that are not valid UTF-8. */
const bytes = fc.array(
  fc.constantFrom(97, 44, 44, 34, 34, 34, 13, 10, 10, 32, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0xef, 0xbb),
  { maxLength: 60 },
).map((values) => Uint8Array.from(values));

Deno.test("CsvRows reads any bytes as csv-parse does, as long as no row is malformed", () => {
  let compared = 0;
  fc.assert(
    fc.property(bytes, (bytes) => {
      // In CsvRows, a CR at the end of a file ends its last line, too.
      if (problems(bytes).length > 0 || bytes.at(-1) === 13) return;
      compared++;
      const expected = parse(bytes, {
        delimiter: ",",
        record_delimiter: ["\r\n", "\n", "\r"],
        relax_column_count: true,
        relax_quotes: true,
        skip_empty_lines: true,
      });
      // CsvRows also skips lines of blanks.
      const filled = (rows: string[][]) => rows.filter((row) => row.join(",").trim() !== "");
      assertEquals(filled(cells(bytes)), filled(expected));
    }),
    { numRuns: 3000 },
  );
  assertEquals(compared > 500, true);
});

Deno.test("CsvRows gives the same rows however the file is cut, and from each of its positions", () => {
  const dialects = fc.record({
    escape: fc.boolean(),
    delimiter: fc.constantFrom(",", "\u{c3}", "😀"),
  });
  fc.assert(
    fc.property(bytes, dialects, fc.integer({ min: 1, max: 9 }), (bytes, dialect, size) => {
      const whole = read(bytes, dialect).rows;
      const { rows, after } = read(bytes, dialect, size);
      assertEquals(rows, whole);
      for (const { position, rows } of after) {
        const reader = new CsvRows(dialect, "utf-8", position);
        const rest = [...reader.read(bytes.subarray(position.offset)), ...reader.read()];
        assertEquals(rest, whole.slice(rows));
      }
    }),
    { numRuns: 1000 },
  );
});
