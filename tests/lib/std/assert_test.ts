import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";
import fc from "fast-check";

/**
 * Requires that `fn` fails with `part` in its message. The real package passes these tests, too,
 * which shows that the stand-in gives the same verdicts.
 */
function fails(fn: () => void, part: string): void {
  try {
    fn();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    if (!error.message.includes(part)) throw new Error(`Message lacks "${part}": ${error.message}`);
    return;
  }
  throw new Error(`Assertion did not fail: ${part}`);
}

class Hidden {
  #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
}

const EQUAL: [string, unknown, unknown][] = [
  ["NaN and NaN", NaN, NaN],
  ["0 and -0", [0], [-0]],
  ["an object with and without prototype", { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
  ["objects with keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["sets in another order", new Set([{ a: 1 }, { b: 2 }]), new Set([{ b: 2 }, { a: 1 }])],
  ["maps with deep keys", new Map([[{ k: 1 }, [1]]]), new Map([[{ k: 1 }, [1]]])],
  ["dates", new Date(5), new Date(5)],
  ["URLs", new URL("http://a/"), new URL("http://a/")],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["instances with equal getters", new Hidden(1), new Hidden(1)],
];

const DIFFERENT: [string, unknown, unknown][] = [
  ["undefined and a missing key", { a: 1, b: undefined }, { a: 1 }],
  ["text and number", "1", 1],
  ["null and undefined", null, undefined],
  ["an array and an object", [], {}],
  ["a hole and undefined", [, 1], [undefined, 1]],
  ["a longer array", [1, 2], [1]],
  ["bytes of two types", new Uint8Array([1]), new Int8Array([1])],
  ["URLs", new URL("http://a/"), new URL("http://b/")],
  ["instances that differ in a getter", new Hidden(1), new Hidden(2)],
  ["sets of as many", new Set([{ a: 1 }]), new Set([{ a: 2 }])],
  ["symbol keys", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }],
  ["functions of one text", () => 1, () => 1],
];

for (const [name, a, b] of EQUAL) {
  Deno.test(`assertEquals() accepts as equal: ${name}`, () => {
    assertEquals(a, b);
    fails(() => assertNotEquals(a, b), "not to be");
  });
}

for (const [name, a, b] of DIFFERENT) {
  Deno.test(`assertEquals() tells apart: ${name}`, () => {
    fails(() => assertEquals(a, b), "Values are not equal.");
    assertNotEquals(a, b);
  });
}

Deno.test("assertEquals() compares values that contain themselves", () => {
  const [a, b]: Record<string, unknown>[] = [{}, {}];
  a!.self = a;
  b!.self = b;
  assertEquals(a, b);
});

Deno.test("assertEquals() shows the message and what differs", () => {
  fails(() => assertEquals({ at: "here" }, { at: "there" }, "places"), "not equal: places");
  fails(() => assertEquals({ at: "here" }, { at: "there" }), "there");
});

Deno.test("equal() holds between any JSON value and its copy, and is symmetric", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    assert(equal(a, structuredClone(a)));
    assertStrictEquals(equal(a, b), equal(b, a));
  }));
});

Deno.test("equal() refuses a WeakMap, whose content cannot be read", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError, "Cannot compare WeakMap");
});

Deno.test("assert() requires a truthy value", () => {
  assert("yes");
  fails(() => assert(0, "nothing there"), "nothing there");
});

Deno.test("assertStrictEquals() requires the same value", () => {
  const value = {};
  assertStrictEquals(value, value);
  fails(() => assertStrictEquals({}, {}), "");
  fails(() => assertStrictEquals(0, -0), "Values are not strictly equal");
});

Deno.test("assertExists() refuses null and undefined only", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  fails(() => assertExists(null), "null");
  fails(() => assertExists(undefined, "the id"), "the id");
});

Deno.test("assertMatch() and assertNotMatch() test a text against a pattern", () => {
  assertMatch("headway", /^head/);
  assertNotMatch("headway", /^way/);
  fails(() => assertMatch("headway", /^way/), "to match");
  fails(() => assertNotMatch("headway", /^head/), "to not match");
});

Deno.test("assertStringIncludes() and assertArrayIncludes() require the given parts", () => {
  assertStringIncludes("headway", "adw");
  fails(() => assertStringIncludes("headway", "x"), "to contain");
  assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]);
  fails(() => assertArrayIncludes([1, 2], [3]), "to include");
});

Deno.test("assertInstanceOf() requires an instance", () => {
  assertInstanceOf(new TypeError("x"), Error);
  fails(() => assertInstanceOf(new Date(), RegExp), `"RegExp" but was "Date"`);
  fails(() => assertInstanceOf(null, RegExp), `"RegExp" but was "null"`);
});

Deno.test("assertGreater(), assertLess() and their OrEqual variants compare two values", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess("a", "b");
  assertLessOrEqual(2n, 2n);
  fails(() => assertGreater(1, 1), "Expect 1 > 1");
  fails(() => assertGreaterOrEqual(1, 2), "Expect 1 >= 2");
  fails(() => assertLess(1, 1), "Expect 1 < 1");
  fails(() => assertLessOrEqual(2, 1), "Expect 2 <= 1");
});

Deno.test("fail() and unreachable() always fail", () => {
  fails(() => fail("why"), "Failed assertion: why");
  fails(() => unreachable(), "Unreachable.");
});

Deno.test("assertThrows() returns what was thrown", () => {
  const error = new TypeError("not a number");
  assertStrictEquals(assertThrows(() => raise(error)), error);
  assertStrictEquals(assertThrows(() => raise(error), TypeError, "number"), error);
  assertStrictEquals(assertThrows(() => raise("text")), "text");
});

Deno.test("assertThrows() fails on no error, another class, another message and a non-Error", () => {
  fails(() => assertThrows(() => 1, "of one"), "Expected function to throw: of one");
  fails(() => assertThrows(() => raise(new Error("a")), TypeError), `"TypeError", but was "Error"`);
  fails(() => assertThrows(() => raise(new Error("a")), Error, "b"), `include "b", but got "a"`);
  fails(() => assertThrows(() => raise("text"), Error), "A non-Error object was thrown");
});

Deno.test("assertRejects() resolves to what the promise rejected with", async () => {
  const error = new TypeError("not a number");
  assertStrictEquals(await assertRejects(() => Promise.reject(error)), error);
  assertStrictEquals(await assertRejects(() => Promise.reject(error), TypeError, "number"), error);
});

Deno.test("assertRejects() fails on a fulfilled promise, another error and a synchronous throw", async () => {
  const refused: [() => Promise<unknown>, string][] = [
    [() => assertRejects(() => Promise.resolve(1)), "Expected function to reject"],
    [() => assertRejects(() => Promise.reject(new Error("a")), TypeError), `"TypeError", but was`],
    [() => assertRejects(() => Promise.reject(new Error("a")), Error, "b"), `include "b"`],
    [() => assertRejects(() => Promise.reject("text"), Error), "A non-Error object was rejected"],
    [() => assertRejects(() => raise(new Error("a"))), "Function throws when expected to reject"],
  ];
  for (const [attempt, part] of refused) {
    const outcome = await attempt().catch((error: unknown) => error);
    assertInstanceOf(outcome, AssertionError);
    assertStringIncludes(outcome.message, part);
  }
});

function raise(value: unknown): never {
  throw value;
}
