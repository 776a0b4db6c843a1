import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type CellType, cellType } from "../../../lib/kinds/cell_type.ts";

const CASES: Record<CellType | "code", string[]> = {
  integer: ["0", "7", "-7", "+7", "-0", "123456789012345", "-9007199254740991"],
  number: [
    "0.5",
    "-0.5",
    ".5",
    "5.",
    "1e3",
    "1E-7",
    "+1.5e+10",
    "1.5e-10000",
    "3.14159265358979323",
  ],
  boolean: ["true", "FALSE", "Yes", "no"],
  date: ["2024-02-29", "2000-02-29", "1999-12-31", "0001-01-01"],
  datetime: [
    "2024-01-01T00:00",
    "2024-01-01 23:59:59Z",
    "2024-01-01T12:30:15.123456789+02:00",
    "2024-01-01T12:30:15-0530",
  ],
  code: [
    "007",
    "00501",
    "+4917112345678",
    "-01",
    "9007199254740993",
    "-12345678901234567890123",
    "+9007199254740993",
  ],
  string: [
    "+",
    "-",
    ".",
    "1e999",
    "0x10",
    "1,5",
    "1.2.3",
    "Infinity",
    "NaN",
    "truely",
    "y",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-04-31",
    "2024-00-10",
    "2024-1-1",
    "2024-01-01T24:00",
    "2024-01-01T12:60",
    "2024-01-01x",
    "2024/01/01",
    "\0",
    "é",
  ],
};

for (const [type, texts] of Object.entries(CASES)) {
  Deno.test(`cellType() recognizes texts of type ${type}`, () => {
    for (const text of texts) assertEquals(cellType(text), type as CellType, text);
  });
}

Deno.test("cellType() recognizes every safe integer and every finite number that JavaScript writes", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => cellType(String(value)) === "integer"));
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const type = cellType(String(value));
    if (Number.isSafeInteger(value)) return type === "integer";
    // A large integer counts as a code, unless it is written with an exponent.
    return type === "number" || (type === "code" && Number.isInteger(value));
  }));
});

Deno.test("cellType() accepts every day of the calendar as a date, and no other day", () => {
  for (let day = Date.UTC(1999, 0); day < Date.UTC(2005, 0); day += 86_400_000) {
    assertEquals(cellType(new Date(day).toISOString().slice(0, 10)), "date");
    assertEquals(cellType(new Date(day).toISOString()), "datetime");
  }
  for (const year of [1900, 2000, 2023, 2024]) {
    for (let month = 1; month <= 12; month++) {
      const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
      const text = `${year}-${String(month).padStart(2, "0")}-${days + 1}`;
      assertEquals(cellType(text), "string", text);
    }
  }
});
