import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { log } from "headway";
import { byteLength } from "../../../lib/task/byte_length.ts";
import { MAX_VALUE } from "../../../lib/task/json_value.ts";
import { logJson } from "../../../lib/child/log_row.ts";
import { hostileValues } from "../../helpers/hostile_values.ts";

function rowOf(fields: unknown, message = "x"): { level: string; data?: Record<string, unknown> } {
  // deno-lint-ignore no-explicit-any -- what a task in JavaScript may do
  return JSON.parse(logJson(log(message, fields as any), 0));
}

Deno.test("logJson() keeps the name, message, code, cause and stack of an error", () => {
  const boom = Object.assign(new RangeError("boom", { cause: "why" }), { code: 7 });
  for (const fields of [{ error: boom }, boom]) {
    const { stack, ...error } = rowOf(fields).data!.error as Record<string, unknown>;
    const cause = { name: "Error", message: "why" };
    assertEquals(error, { name: "RangeError", message: "boom", code: 7, cause });
    assert(String(stack).startsWith("RangeError: boom\n    at "));
  }
});

Deno.test("logJson() keeps every field, and writes what JSON cannot hold as text", () => {
  const cyclic: Record<string, unknown> = { m: 2 };
  cyclic.self = cyclic;
  const { data } = rowOf({
    n: 1n,
    m: 2,
    nan: NaN,
    when: new Date(0),
    never: new Date(NaN),
    map: new Map(),
    bytes: new Uint8Array(2),
    f: () => {},
    deep: { s: Symbol("s"), list: [undefined, 1] },
    cyclic,
    get bad() {
      throw new Error("no");
    },
  });
  assertEquals(data, {
    n: "1",
    m: 2,
    nan: "NaN",
    when: "1970-01-01T00:00:00.000Z",
    never: "[an invalid Date]",
    map: "[a Map]",
    bytes: "[a Uint8Array]",
    f: "[a function]",
    deep: { s: "Symbol(s)", list: [null, 1] },
    cyclic: { m: 2, self: "[the object that contains it]" },
    bad: "[cannot be read: Error: no]",
  });
});

Deno.test("log() keeps a value that is not an object of fields as the field 'data'", () => {
  const when = new Date(0);
  const given: [unknown, unknown][] = [
    ["text", "text"],
    [[1, { a: 2 }], [1, { a: 2 }]],
    [[], []],
    [new URL("http://a.example/"), "http://a.example/"],
    [when, when.toISOString()],
    [new Set([1]), "[a Set]"],
    [new Uint8Array([7]), "[a Uint8Array]"],
    [Object(5), "[a Number]"],
    [{ secret: 1, toJSON: () => ({ shown: 2 }) }, { shown: 2 }],
  ];
  for (const [fields, data] of given) assertEquals(rowOf(fields).data, { data });
  for (const none of [undefined, null, {}, Object.create(null)]) {
    assertEquals(rowOf(none).data, undefined);
  }
  class Row {
    line = 7;
  }
  assertEquals(rowOf(new Row()).data, { line: 7 });
});

Deno.test("log() knows the levels of other loggers, and keeps an unknown level as a field", () => {
  const levels: [unknown, string][] = [
    ["warning", "warn"],
    ["WARN", "warn"],
    ["fatal", "error"],
    ["critical", "error"],
    ["err", "error"],
    ["trace", "debug"],
    ["notice", "info"],
    [undefined, "info"],
  ];
  for (const [level, means] of levels) {
    assertEquals([rowOf({ level }).level, rowOf({ level }).data], [means, undefined]);
  }
  for (const level of ["loud", "__proto__", 30]) {
    assertEquals([rowOf({ level }).level, rowOf({ level }).data], ["info", { level }]);
  }
  const foreign = { ...log("x"), level: "FATAL" as "error" };
  assertEquals(JSON.parse(logJson(foreign, 0)).level, "error");
});

Deno.test("logJson() leaves out fields that are too large, and keeps the others", () => {
  const row = rowOf({ a: 1, large: ["x".repeat(60_000)], b: 2 });
  assertEquals([row.data!.a, row.data!.b], [1, 2]);
  assert(String(row.data!.large).startsWith("[left out"));
  const many = Object.fromEntries(
    Array.from({ length: 5000 }, (_, n) => [`${n}`, "x".repeat(1000)]),
  );
  assertEquals(rowOf(many).data!["0"], "x".repeat(1000));
});

Deno.test("logJson() always gives a row that fits into MAX_VALUE bytes, with its message and small fields", () => {
  fc.assert(
    fc.property(hostileValues(), fc.string(), (make, message) => {
      const rows = [make(), { value: make(), kept: 7 }].map((fields) => {
        const json = logJson(log(message, fields as Record<string, unknown>), 0);
        assert(byteLength(json) <= MAX_VALUE);
        const row = JSON.parse(json);
        assertEquals(row.message, message);
        return row;
      });
      assertEquals(rows[1].data.kept, 7);
    }),
    { numRuns: 300 },
  );
});
