import nodeAssert from "node:assert/strict";
/** Asserts that a condition holds. */
export function assert(condition: unknown, message = ""): asserts condition {
  nodeAssert.ok(condition, message || undefined);
}
/** Asserts deep equality. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}
