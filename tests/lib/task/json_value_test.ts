import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createContext, runInContext } from "node:vm";
import fc from "fast-check";
import { byteLength } from "../../../lib/task/byte_length.ts";
import { MAX_VALUE, toJson } from "../../../lib/task/json_value.ts";
import { MAX_LEVELS } from "../../../lib/task/limits.ts";
import { EVERYTHING, hostileValues } from "../../helpers/hostile_values.ts";

const RESULT = { what: "the task's return", root: "result" };
const CHECKPOINT = { what: "save()", root: "checkpoint", exact: true };

/** Whether a value came back the same: prototypes and `undefined` members do not count. */
function same(value: unknown, back: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, back);
  if (Array.isArray(value)) {
    return Array.isArray(back) && value.length === back.length &&
      value.every((item, n) => same(item, back[n]));
  }
  if (typeof back !== "object" || back === null || Array.isArray(back)) return false;
  const names = Object.keys(value).filter((name) => (value as never)[name] !== undefined);
  return names.length === Object.keys(back).length &&
    names.every((name) =>
      Object.hasOwn(back, name) && same(value[name as never], back[name as never])
    );
}

/** The JSON text of a value, or the error that says why it has none. */
function tried(value: unknown, use = CHECKPOINT): string | Error {
  try {
    return toJson(value, use);
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(error.message.startsWith("Cannot keep") && error.message.length < 1000);
    return error;
  }
}

const anything = fc.anything({
  ...EVERYTHING,
  withUnicodeString: true,
  key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "length")),
});

Deno.test("toJson() loses nothing of a value that it accepts: JSON.parse() gives the same value back", () => {
  let accepted = 0;
  const check = (value: unknown) => {
    const json = tried(value);
    if (json instanceof Error) return;
    accepted++;
    assert(!/[\r\n]/.test(json) && byteLength(json) <= MAX_VALUE);
    assert(same(value === undefined ? null : value, JSON.parse(json)), json);
  };
  fc.assert(fc.property(anything, check), { numRuns: 500 });
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), check));
  assert(accepted >= 100);
  for (const value of [-0, [-0, { a: -0 }], "\ud800", { "\udfff": "\ud800x" }, 1e308, 5e-324]) {
    check(value);
  }
});

Deno.test("toJson() accepts every plain JSON value, also one of another realm", () => {
  fc.assert(
    fc.property(fc.jsonValue().map((value) => JSON.stringify(value)), (json) => {
      assertEquals(tried(JSON.parse(json)), json);
    }),
  );
  const shared = { n: 1 };
  assertEquals(tried([shared, shared]), '[{"n":1},{"n":1}]');
  assertEquals(tried({ a: undefined, b: 1 }), '{"b":1}');
  assertEquals(
    tried(runInContext("({ a: [1, { b: null }] })", createContext({}))),
    '{"a":[1,{"b":null}]}',
  );
});

class Row {
  constructor(readonly id: number) {}
}

class Hidden {
  readonly #n = 1;
  get n() {
    return this.#n;
  }
}

/** Values, and what is wrong with them in a result. */
const REFUSED: [value: unknown, says: string][] = [
  [new Map([["a", 1]]), "result: a Map cannot be stored as JSON; give Object.fromEntries(map)"],
  [{ rows: [0, 1, 2, { id: new Set() }] }, "result.rows[3].id: a Set cannot be stored as JSON"],
  [{ "a b": { c: NaN } }, 'result["a b"].c: NaN cannot be stored as JSON; give null'],
  [[Infinity], "result[0]: Infinity"],
  [{ n: 10n }, "result.n: a BigInt cannot be stored as JSON; convert it"],
  [new Uint8Array(2), "result: a Uint8Array cannot be stored as JSON; keep bytes as an artifact"],
  [{ b: new ArrayBuffer(2) }, "result.b: an ArrayBuffer"],
  [new DataView(new ArrayBuffer(2)), "result: a DataView"],
  [{ f: () => {} }, "result.f: a function cannot be stored as JSON; leave it out"],
  [[Symbol("s")], "result[0]: a symbol"],
  [[undefined], "result[0]: undefined cannot be stored as JSON; give null"],
  [Array(3), "result[0]: undefined"],
  ["x".match(/x/), "result.index: a field of an array"],
  [{ e: new Error("x") }, "result.e: an Error cannot be stored as JSON; throw it"],
  [Promise.resolve(), "result: a Promise cannot be stored as JSON; await it"],
  [/x/, "result: a RegExp"],
  [new Date(NaN), "result: an invalid Date; give null"],
  [new Hidden(), "result: a Hidden has no fields to store"],
  [Object(1), "result: a Number"],
  [{
    get a() {
      throw new Error("no");
    },
  }, "result.a: it cannot be read: Error: no"],
  [{ toJSON: () => 1n }, "result: a BigInt"],
  [{ toJSON: () => undefined }, "result: undefined"],
];

for (const [value, says] of REFUSED) {
  Deno.test(`toJson() refuses ${says.slice(0, 60)}`, () => {
    assertStringIncludes(assertThrows(() => toJson(value, RESULT), TypeError).message, says);
  });
}

Deno.test("toJson() converts dates, URLs and class instances in a result, and refuses them in a checkpoint", () => {
  const values: [unknown, string][] = [
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [new URL("http://x/"), '"http://x/"'],
    [new Row(7), '{"id":7}'],
  ];
  for (const [value, json] of values) {
    assertEquals(toJson({ value }, RESULT), `{"value":${json}}`);
    const { message } = assertThrows(() => toJson({ value }, CHECKPOINT), TypeError);
    assertStringIncludes(message, "Cannot keep checkpoint.value: a");
    assertStringIncludes(message, "would come back as");
  }
});

Deno.test("toJson() refuses cycles and values of more than MAX_LEVELS levels, and takes that many", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = [cyclic, cyclic, cyclic];
  assertThrows(() => toJson(cyclic, RESULT), TypeError, "levels deep, or contains itself");
  const nested = (levels: number): unknown => levels === 0 ? [] : [nested(levels - 1)];
  toJson(nested(MAX_LEVELS - 1), RESULT);
  assertThrows(() => toJson(nested(MAX_LEVELS), RESULT), TypeError);
  // Each of 60 levels holds the next one twice: a visit of every value would take 2 ** 60 steps.
  let doubled: unknown = 1;
  for (let level = 0; level < 60; level++) doubled = [doubled, doubled];
  assertThrows(() => toJson(doubled, RESULT), RangeError);
});

Deno.test("toJson() accepts up to MAX_VALUE bytes of JSON, and names the function that was given more", () => {
  for (const unit of ["x", "é", "€", "😀"]) {
    const most = Math.floor((MAX_VALUE - 2) / byteLength(unit));
    assert(byteLength(toJson(unit.repeat(most), CHECKPOINT)) <= MAX_VALUE);
    const { message } = assertThrows(() => toJson(unit.repeat(most + 1), CHECKPOINT), RangeError);
    assertStringIncludes(message, "Cannot keep what save() was given");
    assertStringIncludes(message, String(MAX_VALUE));
  }
  assertThrows(() => toJson("x".repeat(100_000_000), RESULT), RangeError, "more than");
});

Deno.test("toJson() gives JSON or a clear error, whatever it is given", () => {
  fc.assert(
    fc.property(hostileValues(), fc.boolean(), (make, exact) => {
      const json = tried(make(), { ...CHECKPOINT, exact });
      if (typeof json === "string") JSON.parse(json);
    }),
    { numRuns: 300 },
  );
});
