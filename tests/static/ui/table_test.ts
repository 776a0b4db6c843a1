import { assertEquals } from "@std/assert";
import { asTable, tableCsv } from "../../../static/ui/table.ts";

Deno.test("asTable() accepts a list of objects, with columns in the order of their first appearance", () => {
  assertEquals(asTable([{ a: 1 }, { b: 2, a: 3 }])?.columns, ["a", "b"]);
  for (const value of [[], [1], [{ a: 1 }, null], {}, "text", [[1]]]) {
    assertEquals(asTable(value), null);
  }
  const wide = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`c${n}`, n]));
  assertEquals(asTable([wide]), null);
});

Deno.test("tableCsv() quotes cells where CSV requires it, and lets no text become a formula", () => {
  const rows = [
    { id: -1, name: 'Ada, "the" first', note: null, more: { a: [1] } },
    { id: 2.5, name: "=cmd|' /C calc'!A0", note: "two\nlines" },
    { id: true, name: "@SUM(A1)", note: "+41 79", "odd,name": "進" },
  ];
  assertEquals(
    tableCsv(asTable(rows)!),
    `\ufeff${
      [
        'id,name,note,more,"odd,name"',
        '-1,"Ada, ""the"" first",,"{""a"":[1]}",',
        `2.5,'=cmd|' /C calc'!A0,"two\nlines",,`,
        "true,'@SUM(A1),'+41 79,,進",
      ].join("\r\n")
    }\r\n`,
  );
});
