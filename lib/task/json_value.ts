/**
 * Turns a task's values into JSON: unchanged, or refused with the path to what JSON cannot hold.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import { MAX_JSON, MAX_LEVELS } from "./limits.ts";
import { tagOf } from "./plain.ts";
import { brief, textOf, withArticle } from "./text.ts";

/** Bytes reserved for the rest of a row or record around its value. */
export const AROUND_JSON = 128;

/** The most bytes of JSON that one value may take. */
export const MAX_VALUE = MAX_JSON - AROUND_JSON;

export interface ValueUse {
  /** The value's name in a sentence, such as "output()". */
  readonly what: string;
  /** The first part of a path into the value, such as "output". */
  readonly root: string;
  /** Refuse what would come back changed, such as a `Date` or an instance of a class. */
  readonly exact?: boolean;
  /** The most bytes of JSON. @default {MAX_VALUE} */
  readonly most?: number;
}

/** Why a value cannot be kept, and where in it. */
interface Problem {
  readonly path: (string | number)[];
  readonly text: string;
  /** The value as a whole is too large. */
  readonly large?: true;
}

interface Look {
  readonly exact: boolean;
  /** Bytes of JSON left: a lower bound of what the value takes is subtracted. */
  left: number;
  /** Whether the value has a −0, which `JSON.stringify()` would write as 0. */
  negativeZero: boolean;
}

/**
 * A task's value as JSON text, on one line. `undefined` becomes `null`; in an object, the field is
 * left out.
 *
 * @throws {TypeError} If part of it cannot be kept.
 * @throws {RangeError} If it is larger than it may be.
 */
export function toJson(
  value: unknown,
  { what, root, exact = false, most = MAX_VALUE }: ValueUse,
): string {
  const look: Look = { exact, left: most, negativeZero: false };
  const problem = value === undefined ? null : problemIn(value, look, 0);
  if (problem?.large) throw tooLarge(what, `more than ${most}`, most);
  if (problem) {
    throw new TypeError(`Cannot keep ${pathText(root, problem.path)}: ${problem.text}`);
  }
  let json: string;
  try {
    json = JSON.stringify(value, look.negativeZero ? keepNegativeZero : undefined) ?? "null";
  } catch (error) {
    // A getter returned something else than when it was checked.
    throw new TypeError(`Cannot keep ${root}: it cannot be read: ${brief(textOf(error), 200)}`);
  }
  if (json.length > most / 3) {
    const size = byteLength(json);
    if (size > most) throw tooLarge(what, `${size}`, most);
  }
  return json;
}

/**
 * Whether `JSON.stringify()` keeps a value as it is, except for `undefined` members.
 *
 * @param exact As in {@link ValueUse}. A −0 is then refused, too.
 */
export function isPlain(value: unknown, exact = false): boolean {
  const look: Look = { exact, left: MAX_JSON, negativeZero: false };
  return problemIn(value, look, 0) === null && !(exact && look.negativeZero);
}

function tooLarge(what: string, size: string, most: number): RangeError {
  return new RangeError(
    `Cannot keep what ${what} was given as it is ${size} bytes of JSON and the limit is ` +
      `${most}: keep it as an artifact`,
  );
}

const PLAIN_NAME = /^[A-Za-z_$][\w$]*$/;

/** A path in the syntax of JavaScript: `result.rows[3].id`. */
export function pathText(root: string, path: readonly (string | number)[]): string {
  let text = root;
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += PLAIN_NAME.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return brief(text, 300);
}

// deno-lint-ignore no-explicit-any -- not in the types yet
const { rawJSON } = JSON as any as { rawJSON(text: string): unknown };

function keepNegativeZero(_key: string, value: unknown): unknown {
  return Object.is(value, -0) ? rawJSON("-0") : value;
}

function refuse(text: string): Problem {
  return { path: [], text };
}

const LARGE: Problem = { path: [], text: "", large: true };

/** The first problem of a value. Every row comes through here: nothing is allocated without one. */
function problemIn(value: unknown, look: Look, depth: number): Problem | null {
  switch (typeof value) {
    case "string":
      return (look.left -= value.length + 2) < 0 ? LARGE : null;
    case "number":
      if (value === 0 && Object.is(value, -0)) look.negativeZero = true;
      if (!Number.isFinite(value)) {
        return refuse(`${value} cannot be stored as JSON; give null, or a text`);
      }
      return --look.left < 0 ? LARGE : null;
    case "boolean":
      return (look.left -= 4) < 0 ? LARGE : null;
    case "object":
      if (value === null) return (look.left -= 4) < 0 ? LARGE : null;
      break;
    case "undefined":
      return refuse("undefined cannot be stored as JSON; give null, or leave it out");
    case "bigint":
      if (!look.exact && hasToJSON(value)) return null;
      return refuse("a BigInt cannot be stored as JSON; convert it with String()");
    default:
      return refuse(`a ${typeof value} cannot be stored as JSON; leave it out`);
  }
  if (depth >= MAX_LEVELS) {
    return refuse(
      `it is nested more than ${MAX_LEVELS} levels deep, or contains itself: make it flatter`,
    );
  }
  if ((look.left -= 2) < 0) return LARGE;
  try {
    return Array.isArray(value)
      ? problemInArray(value, look, depth)
      : problemInObject(value, look, depth);
  } catch (error) {
    return refuse(`it cannot be read: ${brief(textOf(error), 200)}`);
  }
}

function hasToJSON(value: unknown): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

function problemInArray(value: unknown[], look: Look, depth: number): Problem | null {
  if (hasToJSON(value)) return problemInConverted(value, look, depth);
  const { length } = value;
  if ((look.left -= length) < 0) return LARGE;
  for (let n = 0; n < length; n++) {
    const problem = problemAt(value, n, look, depth);
    if (problem !== null) return problem;
  }
  const names = Object.keys(value);
  if (names.length === length) return null;
  const name = names.find((name, n) => name !== `${n}`) ?? "";
  return within(name, refuse("a field of an array cannot be stored as JSON; copy the array"));
}

function problemInObject(value: object, look: Look, depth: number): Problem | null {
  // Before `toJSON()`, which Node's `Buffer` has.
  if (ArrayBuffer.isView(value)) return problemInClass(value, 0, look);
  if (hasToJSON(value)) return problemInConverted(value, look, depth);
  const names = Object.keys(value);
  const problem = problemInClass(value, names.length, look);
  if (problem !== null) return problem;
  for (const name of names) {
    if ((look.left -= name.length + 3) < 0) return LARGE;
    const problem = problemAt(value, name, look, depth);
    if (problem !== null) return problem;
  }
  return null;
}

function problemAt(
  value: object,
  step: string | number,
  look: Look,
  depth: number,
): Problem | null {
  let problem: Problem | null;
  try {
    const part = (value as Record<string | number, unknown>)[step];
    // `JSON.stringify()` leaves such a field out.
    if (part === undefined && typeof step === "string") return null;
    problem = problemIn(part, look, depth + 1);
  } catch (error) {
    problem = refuse(`it cannot be read: ${brief(textOf(error), 200)}`);
  }
  return problem === null ? null : within(step, problem);
}

function within(step: string | number, problem: Problem): Problem {
  if (!problem.large) problem.path.unshift(step);
  return problem;
}

/** An object with `toJSON()` is kept as what that returns: a text for dates and URLs. */
function problemInConverted(value: object, look: Look, depth: number): Problem | null {
  const tag = tagOf(value);
  if (look.exact && tag === "Date") {
    return refuse("a Date would come back as a text; save its toISOString()");
  }
  if (look.exact) {
    return refuse(`${named(value, tag)} would come back as what its toJSON() gives; save that`);
  }
  const converted: unknown = (value as { toJSON(key: string): unknown }).toJSON("");
  if (tag === "Date" && converted === null) return refuse("an invalid Date; give null");
  return problemIn(converted, look, depth + 1);
}

/** What to give instead, by the built-in type that cannot be kept. */
const INSTEAD: Record<string, string> = {
  Map: "give Object.fromEntries(map), or [...map]",
  Set: "give [...set]",
  Error: "throw it, or give its message",
  RegExp: "give its source",
  Promise: "await it",
  ArrayBuffer: "keep bytes as an artifact, or convert them with toBase64()",
  Headers: "give Object.fromEntries(headers)",
  URLSearchParams: "convert it with String()",
};

/** Plain objects and users' classes keep their fields; the content of built-in classes is not there. */
function problemInClass(value: object, fields: number, { exact }: Look): Problem | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return null;
  const tag = tagOf(value);
  if (tag === "Object" && Object.getPrototypeOf(prototype) === null) return null;
  const name = named(value, tag);
  if (tag !== "Object") {
    const view = ArrayBuffer.isView(value) || tag === "SharedArrayBuffer";
    const instead = INSTEAD[view ? "ArrayBuffer" : tag] ?? "give plain data";
    return refuse(`${name} cannot be stored as JSON; ${instead}`);
  }
  if (exact) return refuse(`${name} would come back as a plain object; save its fields`);
  return fields > 0 ? null : refuse(`${name} has no fields to store; give plain data`);
}

/** An object's class with its article, such as "a Map". */
function named(value: object, tag: string): string {
  let name = tag;
  if (tag === "Object") {
    const { constructor } = value as { constructor?: { name?: unknown } };
    const given = constructor?.name;
    name = typeof given === "string" && given !== "" ? given : "object of a class";
  }
  return withArticle(brief(name, 64));
}
