/**
 * A stand-in for `jsr:@std/assert@1` where JSR cannot be reached: the assertions this project uses,
 * with the real names, signatures and verdicts. Deleting `links` in deno.json switches to the real
 * package; the wording of a failure is the one thing that may then differ.
 *
 * @module
 */

import nodeAssert from "node:assert/strict";
import { inspect } from "node:util";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

export { AssertionError, equal };

/** A class whose instances are errors or other values. */
// deno-lint-ignore no-explicit-any -- a class of whatever parameters
type Class<T> = abstract new (...args: any[]) => T;

function explain(what: string, message: string | undefined): string {
  return message ? `${what}: ${message}` : `${what}.`;
}

/** The part of Node's message that shows the two values, line by line. */
function difference(actual: unknown, expected: unknown): string {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    if (error instanceof Error) return error.message.slice(error.message.indexOf("\n") + 1);
  }
  return `+ ${inspect(actual)}\n- ${inspect(expected)}`;
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts deep equality, by the rules of {@link equal}. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const head = explain("Values are not equal", msg);
  throw new AssertionError(`${head}\n${difference(actual, expected)}`);
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    explain(`Expected actual: ${inspect(actual)} not to be: ${inspect(expected)}`, msg),
  );
}

/** Asserts that two values are the same, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const head = explain("Values are not strictly equal", msg);
  throw new AssertionError(`${head}\n${difference(actual, expected)}`);
}

/** Asserts that a value is neither `null` nor `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    explain(`Expected actual: "${actual}" to not be null or undefined`, msg),
  );
}

/** Asserts that a text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(explain(`Expected actual: "${actual}" to match: "${expected}"`, msg));
}

/** Asserts that a text does not match a pattern. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(
    explain(`Expected actual: "${actual}" to not match: "${expected}"`, msg),
  );
}

/** Asserts that a text contains another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(explain(`Expected actual: "${actual}" to contain: "${expected}"`, msg));
}

/** Asserts that each expected item is deeply equal to some item of an array. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T> & object,
  expected: ArrayLike<T> & object,
  msg?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !items.some((has) => equal(item, has)));
  if (missing.length === 0) return;
  const head = `Expected actual: "${inspect(actual)}" to include: "${inspect(expected)}"`;
  throw new AssertionError(`${explain(head, msg)}\nmissing: ${inspect(missing)}`);
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const was = isObject(actual) ? actual.constructor?.name ?? "Object" : `${actual}`;
  throw new AssertionError(
    explain(`Expected object to be an instance of "${expectedType.name}" but was "${was}"`, msg),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function assertOrder(holds: boolean, text: string, values: unknown[], msg?: string): void {
  if (holds) return;
  const [actual, expected] = values.map((value) => inspect(value));
  throw new AssertionError(msg ?? `Expect ${actual} ${text} ${expected}`);
}

/** Asserts `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual > expected, ">", [actual, expected], msg);
}

/** Asserts `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual >= expected, ">=", [actual, expected], msg);
}

/** Asserts `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual < expected, "<", [actual, expected], msg);
}

/** Asserts `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assertOrder(actual <= expected, "<=", [actual, expected], msg);
}

export function fail(msg?: string): never {
  throw new AssertionError(explain("Failed assertion", msg));
}

/** Fails: for a place that must not be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(explain("Unreachable", msg));
}

export { assertRejects, assertThrows } from "./throws.ts";
