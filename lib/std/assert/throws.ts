/**
 * The two assertions about errors. Both return what was thrown.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { AssertionError } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- a class of whatever parameters
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** What the overloads leave: a class with a part of its message, or only a message. */
interface Expectation {
  type: ErrorClass<Error> | undefined;
  includes: string | undefined;
  suffix: string;
}

function expectation(
  typeOrMsg: ErrorClass<Error> | string | undefined,
  includes: string | undefined,
  msg: string | undefined,
): Expectation {
  const isText = typeof typeOrMsg === "string";
  const text = isText ? typeOrMsg : msg;
  return {
    type: isText ? undefined : typeOrMsg,
    includes: isText ? undefined : includes,
    suffix: text ? `: ${text}` : ".",
  };
}

/** Without a class anything may be thrown; with one, an error of it whose message has the part. */
function check(error: unknown, how: string, { type, includes, suffix }: Expectation): void {
  if (type === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${how}${suffix}`);
  }
  if (!(error instanceof type)) {
    throw new AssertionError(
      `Expected error to be instance of "${type.name}", but was "${classOf(error)}"${suffix}`,
      { cause: error },
    );
  }
  const message = stripVTControlCharacters(error.message);
  if (includes && !message.includes(stripVTControlCharacters(includes))) {
    const [part, got] = [JSON.stringify(includes), JSON.stringify(error.message)];
    throw new AssertionError(
      `Expected error message to include ${part}, but got ${got}${suffix}`,
      { cause: error },
    );
  }
}

function classOf(error: Error): string {
  return error.constructor?.name ?? error.name;
}

/** Asserts that a function throws, whatever it is. Returns what was thrown. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws an error of a class, whose message contains a text. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  typeOrMsg?: ErrorClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const expected = expectation(typeOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    check(error, "thrown", expected);
    return error;
  }
  throw new AssertionError(`Expected function to throw${expected.suffix}`);
}

/**
 * Asserts that a function returns a promise which rejects, whatever with. Resolves to that. A
 * function that throws before it returns a promise fails the assertion.
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Asserts that a promise rejects with an error of a class, whose message contains a text. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  typeOrMsg?: ErrorClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectation(typeOrMsg, msgIncludes, msg);
  const promise = start(fn, expected.suffix);
  try {
    await promise;
  } catch (error) {
    check(error, "rejected", expected);
    return error;
  }
  throw new AssertionError(`Expected function to reject${expected.suffix}`);
}

function start(fn: () => PromiseLike<unknown>, suffix: string): PromiseLike<unknown> {
  const message = `Function throws when expected to reject${suffix}`;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (cause) {
    throw new AssertionError(message, { cause });
  }
  if (typeof promise?.then !== "function") throw new AssertionError(message);
  return promise;
}
