import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { canonical } from "../../../lib/http/canonical.ts";

/** JSON of few names and values, so that two of these are often equal. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 1, "", "a", "list", "number", "Infinity", Infinity),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.uniqueArray(
      fc.tuple(
        fc.constantFrom("", "a", "b", "1", "10", "list", "number", "__proto__"),
        tie("value"),
      ),
      { maxLength: 3, selector: ([name]) => name },
    ).map((fields) => fieldsOf(fields)),
  ),
})).value;

/** An object with these fields; even `__proto__` becomes a field of its own. */
function fieldsOf(fields: readonly (readonly [string, unknown])[]): unknown {
  const made = {};
  for (const [key, value] of fields) {
    Object.defineProperty(made, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether two values are the same JSON, found without writing them as text. */
function same(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) =>
    Object.hasOwn(b, name) &&
    same(Reflect.get(own(a), name), Reflect.get(own(b), name))
  );
}

/** A copy without a prototype, which might answer for a field. */
function own(value: object): object {
  return Object.create(null, Object.getOwnPropertyDescriptors(value));
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isObject(value)) return value;
  const fields = Object.entries(value).reverse();
  return fieldsOf(fields.map(([name, field]) => [name, reversed(field)]));
}

Deno.test("canonical() gives two values the same text exactly if they are equal", () => {
  fc.assert(
    fc.property(json, json, (a, b) => assertEquals(canonical(a) === canonical(b), same(a, b))),
    { numRuns: 5000 },
  );
});

Deno.test("canonical() ignores the order of fields", () => {
  fc.assert(
    fc.property(json, (value) => assertEquals(canonical(reversed(value)), canonical(value))),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assertEquals(canonical(reversed(value)), canonical(value));
    }),
  );
});

Deno.test("canonical() distinguishes an object from a list of its fields, and other values that look alike", () => {
  const pairs = [
    ['{"a":1}', '[["a",1]]'],
    ['{"a":[]}', '{"a":{}}'],
    ['{"list":[1]}', "[1]"],
    ['[["list",[1]]]', "[1]"],
    ['{"a":1e999}', '{"a":null}'],
    ['{"a":-1e999}', '{"a":1e999}'],
    ["1e999", '{"number":"Infinity"}'],
    ['{"__proto__":1}', "{}"],
    ['"1"', "1"],
    ["[[1],2]", "[[1,2]]"],
  ];
  for (const [a, b] of pairs) {
    assertNotEquals(canonical(JSON.parse(a!)), canonical(JSON.parse(b!)), `${a} ${b}`);
  }
});
