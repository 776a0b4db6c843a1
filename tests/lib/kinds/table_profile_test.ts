import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { hashText } from "../../../lib/kinds/hash_text.ts";
import { TableProfile, type TableState } from "../../../lib/kinds/table_profile.ts";
import type { NamedColumn } from "../../../lib/kinds/table_profile.ts";

const LIMIT = 49_152;
const encoder = new TextEncoder();

function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

function tableOf(header: string[]): TableProfile {
  const table = new TableProfile();
  table.add(header);
  return table;
}

/** Goes on from the table's state in JSON, as from a checkpoint. */
function reload(table: TableProfile, header = true): TableProfile {
  return new TableProfile({ header }, JSON.parse(JSON.stringify(table.state())) as TableState);
}

function profile(cells: string[]): NamedColumn {
  const table = tableOf(["x"]);
  for (const cell of cells) table.add([cell]);
  return table.summary().columns[0]!;
}

Deno.test("TableProfile sums up a numeric column", () => {
  assertEquals(profile(["3", " 1.5", "", "  ", "-2", "3"]), {
    name: "x",
    type: "number",
    nulls: 2,
    distinct: 3,
    distinct_exact: true,
    min: -2,
    max: 3,
    mean: 1.375,
  });
  assertEquals(profile(["1", "2"]).type, "integer");
});

Deno.test("TableProfile sums up texts by order and length", () => {
  assertEquals(profile(["pear", "apple", "", "fig", "apple"]), {
    name: "x",
    type: "string",
    nulls: 1,
    distinct: 3,
    distinct_exact: true,
    min: "apple",
    max: "pear",
    min_length: 3,
    max_length: 5,
  });
});

Deno.test("TableProfile gives the type of a column, and the types in a mixed one", () => {
  assertEquals(profile([]).type, "empty");
  assertEquals(profile(["", " ", "\u00a0\u3000"]).type, "empty");
  assertEquals(profile(["\u00a01\u3000"]).type, "integer");
  assertEquals(profile(["true", "NO"]).type, "boolean");
  assertEquals(profile(["2024-01-01"]).type, "date");
  assertEquals(profile(["2024-01-01", "2024-01-01T10:00Z"]).type, "datetime");
  const { type, types, min, max } = profile(["1", "x", "2.5", "2"]);
  assertEquals({ type, types, min, max }, {
    type: "mixed",
    types: { integer: 2, number: 1, string: 1 },
    min: "1",
    max: "x",
  });
});

Deno.test("TableProfile gives a mean that is finite and close to the exact one", () => {
  assertEquals(profile(["1.7e308", "-1.7e308", "1.7e308", "1.7e308"]).max, 1.7e308);
  assert(Number.isFinite(profile(["1.7e308", "-1.7e308", "1.7e308", "1.7e308"]).mean));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
      const exact = values.reduce((sum, value) => sum + value, 0) / values.length;
      const mean = profile(values.map(String)).mean!;
      assert(Math.abs(mean - exact) <= 1e-6, `${mean} is not ${exact}`);
    }),
  );
});

Deno.test("TableProfile finds names for columns whose names are blank or repeated", () => {
  const names = (header: string[]) =>
    tableOf(header).summary().columns.map((column) => column.name);
  assertEquals(names(["a", "", "a", " ", "a"]), ["a", "column_2", "a_2", "column_4", "a_3"]);
  assertEquals(names(["a_2", "a", "a"]), ["a_2", "a", "a_3"]);
  const table = new TableProfile({ header: false });
  table.add(["x", "y"]);
  assertEquals(table.summary().columns.map((column) => column.name), ["column_1", "column_2"]);
});

Deno.test("TableProfile leaves out rows of another width", () => {
  const table = tableOf(["a", "b"]);
  assertEquals(table.add(["1", "2"]), undefined);
  assertEquals(table.add(["1"]), "1 cell instead of 2");
  assertEquals(table.add(["1", "2", "3"]), "3 cells instead of 2");
  assertEquals(table.rows, 1);
});

Deno.test("TableProfile's state and summary fit into 48 KiB, however wide and odd the table is", () => {
  const odd = [
    (i: number) => `${"\u0001".repeat(300)}${i}`,
    (i: number) => `${"€".repeat(300)}${i}`,
    (i: number) => `-1.2345678901234567e-${200 + i % 100}`,
    (i: number) => `2024-01-01T00:00:00.${String(i).padStart(9, "0")}+00:00`,
    (i: number) => `${i}`,
    () => "true",
  ];
  for (const width of [1, 2, 3, 7, 20, 60, 99, 100, 101, 1000]) {
    const table = tableOf(Array.from({ length: width }, () => "\u0001".repeat(500)));
    // Counts as long as those of a billion rows, without adding the rows.
    const state = table.state();
    const columns = state.columns.map((column) => ({
      ...column,
      nulls: 1e9,
      counts: column.counts.map(() => 1e9),
    }));
    const large = new TableProfile({}, { ...state, rows: 6e9, columns });
    for (let i = 0; i < 1200; i++) {
      large.add(Array.from({ length: width }, (_, c) => odd[(c + i) % odd.length]!(i * 1000 + c)));
      if (i % 100 === 10) assert(jsonBytes(large.state()) < LIMIT - 500);
    }
    assert(jsonBytes(large.state()) < LIMIT - 500, `${width}: ${jsonBytes(large.state())}`);
    const summary = large.summary();
    assert(jsonBytes(summary) < LIMIT - 500, `${width}: ${jsonBytes(summary)}`);
    assertEquals(summary.column_count, width);
    assertEquals(summary.columns.length, Math.min(width, 100));
  }
});

Deno.test("TableProfile counts different values exactly while it has room, and says when it no longer does", () => {
  const table = tableOf(["id", "country", "same"]);
  let exact = 0;
  for (let i = 0; i < 12_000; i++) {
    table.add([`${i}`, `country ${i % 200}`, "x"]);
    const [id] = table.summary().columns;
    assert(id!.distinct <= table.rows);
    if (id!.distinct_exact) assertEquals(id!.distinct, ++exact);
  }
  const distinct = table.summary().columns.map((it) => [it.distinct, it.distinct_exact]);
  // The column with the most values made room for the others.
  assertEquals(distinct, [[exact + 1, false], [200, true], [1, true]]);
  assert(exact > 3000, `${exact}`);
});

Deno.test("TableProfile never counts more different values than a set does, however few it can remember", () => {
  const width = 90;
  const cell = fc.integer({ min: 0, max: 60 }).map(String);
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 60 }),
      fc.nat({ max: 60 }),
      (rows, cut) => {
        const whole = new TableProfile({ header: false });
        let resumed = new TableProfile({ header: false });
        for (const [i, row] of rows.entries()) {
          whole.add(row);
          if (i === cut) resumed = reload(resumed, false);
          resumed.add(row);
        }
        assertEquals(resumed.summary(), whole.summary());
        whole.summary().columns.forEach(({ distinct, distinct_exact }, i) => {
          const all = new Set(rows.map((row) => row[i])).size;
          assert(distinct_exact ? distinct === all : distinct <= all);
        });
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("TableProfile gives the same summary whether or not it was reloaded", () => {
  const cell = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.integer().map(String),
    fc.double({ noNaN: true }).map(String),
    fc.constantFrom("", "-0", "1e308", "-1e308", "true", "2024-02-29", "x".repeat(500), "😀"),
  );
  const rows = fc.integer({ min: 1, max: 120 }).chain((width) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 12 })
  );
  fc.assert(fc.property(rows, fc.nat({ max: 12 }), (rows, cut) => {
    const whole = new TableProfile({ header: false });
    for (const row of rows) whole.add(row);
    const before = new TableProfile({ header: false });
    for (const row of rows.slice(0, cut)) before.add(row);
    const resumed = reload(before, false);
    for (const row of rows.slice(cut)) resumed.add(row);
    assertEquals(resumed.summary(), whole.summary());
    assertEquals(resumed.rows, whole.rows);
  }));
});

Deno.test("hashText() never changes, since checkpoints hold its values", () => {
  assertEquals(["", "a", "ab", "😀"].map(hashText), [
    3338908027751811,
    3425698174302465,
    3382748631033682,
    222116095571118,
  ]);
});

Deno.test("hashText() tells a million similar texts apart", () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 1_000_000; i++) hashes.add(hashText(`${i}`));
  assertEquals(hashes.size, 1_000_000);
});
