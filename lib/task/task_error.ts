/**
 * What was thrown, as plain data. Anything can be thrown, and looking at it may throw again: a getter,
 * a proxy, a `toString` that returns no text. Reading it here always gives an error with a name and a
 * message, and never more than the bounds below.
 *
 * @module
 */

import { byteLength } from "./byte_length.ts";
import { plainOf, tagOf } from "./plain.ts";
import type { TaskError } from "./record.ts";
import { brief, cut, textOf } from "./text.ts";

export interface Thrown {
  /** As clients see it. */
  error: TaskError;
  /** Its stack, followed by those of its causes and parts. */
  stack: string;
}

/** The most characters of an error's texts. */
export const MAX_ERROR = { name: 256, message: 4096, code: 128, stack: 16 * 1024 };

/** How deep causes may nest, and how many parts of one error are kept. */
export const MAX_CAUSES = 8;
export const MAX_PARTS = 10;

/** The most bytes of JSON of code, causes and parts together: all of it must fit into the record. */
export const MAX_MORE = 3 * 1024;

/** The most characters of a cause's or part's message. */
const MAX_INNER = 512;

/** The bytes left of {@link MAX_MORE}, the values that were read, and their stacks. */
interface Reading {
  left: number;
  readonly read: Set<unknown>;
  readonly stacks: string[];
}

/** A thrown value as plain data. Never throws. */
export function errorOf(thrown: unknown): Thrown {
  const reading: Reading = { left: MAX_MORE, read: new Set(), stacks: [] };
  const error = read(thrown, MAX_ERROR.message, reading);
  addMore(error, thrown, 0, reading);
  return { error, stack: cut(reading.stacks.join("\n"), MAX_ERROR.stack) };
}

/** Whether a value is an error of any realm. Never throws. */
export function isError(value: unknown): value is Error {
  try {
    return isObject(value) && (value instanceof Error || tagOf(value) === "Error");
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function fieldOf(value: unknown, name: string): unknown {
  try {
    return isObject(value) ? (value as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}

/** Reads name, message and code. The stack goes to `reading.stacks`. */
function read(value: unknown, maxMessage: number, reading: Reading): TaskError {
  reading.read.add(value);
  const given = fieldOf(value, "name");
  const name = brief((typeof given === "string" && textIn(given)) || "Error", MAX_ERROR.name);
  const stack = fieldOf(value, "stack");
  const message = brief(messageOf(value, name, stack), maxMessage);
  const own = `${name}: ${message}`;
  const prefix = reading.stacks.length > 0 ? "Caused by: " : "";
  const text = typeof stack === "string" && stack !== "" ? stack : own;
  reading.stacks.push(prefix + cut(text, MAX_ERROR.stack));
  const code = codeOf(value);
  if (code === undefined || !spend({ code }, reading)) return { name, message };
  return { name, message, code };
}

function messageOf(value: unknown, name: string, stack: unknown): string {
  if (value === undefined || value === null) return `${value} was thrown`;
  if (typeof value === "string" && value.trim() === "") return "An empty text was thrown";
  if (!isObject(value)) return textOf(value);
  const message = fieldOf(value, "message");
  const text = typeof message === "object" ? undefined : textIn(message);
  if (text !== undefined) return text;
  if (typeof stack === "string") return `${name} without a message`;
  if (typeof value === "function") return "A function was thrown";
  const json = jsonOf(value);
  return json === undefined ? "An object was thrown that cannot be read" : json;
}

/** A thrown object that is not an error, as JSON; `undefined` if it holds nothing that can be read. */
function jsonOf(value: object): string | undefined {
  const plain = plainOf(value);
  if (typeof plain !== "string") return JSON.stringify(plain);
  return plain.startsWith("[") ? undefined : textIn(plain);
}

/** A value as text; `undefined` if that is blank. */
function textIn(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value : textOf(value);
  return text.trim() === "" ? undefined : text;
}

/** The `code` that Node's errors and many others have. That of a DOMException is a legacy number. */
function codeOf(value: unknown): string | number | undefined {
  const code = fieldOf(value, "code");
  if (typeof code === "string" && code !== "") return brief(code, MAX_ERROR.code);
  if (typeof code !== "number" || !Number.isFinite(code)) return undefined;
  return fieldOf(value, "ABORT_ERR") === undefined ? code : undefined; // every DOMException has it
}

/** Adds causes and parts to an error, as far as the bounds allow. */
function addMore(error: TaskError, value: unknown, depth: number, reading: Reading): void {
  if (depth >= MAX_CAUSES) return;
  const cause = fieldOf(value, "cause");
  const inner = cause === undefined || cause === null ? undefined : readInner(cause, reading);
  if (inner) {
    error.cause = inner;
    addMore(inner, cause, depth + 1, reading);
  }
  const [parts, count] = partsOf(value);
  const errors: TaskError[] = [];
  for (const part of parts) {
    const inner = readInner(part, reading);
    if (!inner) break;
    errors.push(inner);
    addMore(inner, part, depth + 1, reading);
  }
  if (errors.length === 0) return;
  const left = count - errors.length;
  if (left > 0) errors.push({ name: "Error", message: `… and ${left} more` });
  error.errors = errors;
}

/** The parts of an AggregateError that are kept, and how many there are in all. */
function partsOf(value: unknown): [parts: unknown[], count: number] {
  const all = fieldOf(value, "errors");
  try {
    if (!Array.isArray(all)) return [[], 0];
    const count = Number(all.length);
    const kept = Array.from({ length: Math.min(count, MAX_PARTS) }, (_, n) => fieldOf(all, `${n}`));
    return [kept, count];
  } catch {
    return [[], 0];
  }
}

/** Reads a cause or part; `undefined` if it was read before or the bounds leave no room for it. */
function readInner(value: unknown, reading: Reading): TaskError | undefined {
  if (isObject(value) && reading.read.has(value)) return undefined;
  if (reading.left < MAX_MORE / 16) return undefined;
  const inner = read(value, MAX_INNER, reading);
  if (spend(inner, reading)) return inner;
  const short = { name: brief(inner.name, 64), message: brief(inner.message, 64) };
  return spend(short, reading) ? short : undefined;
}

/** Bytes around one error in the JSON: its field's name, brackets, "… and 12 more". */
const AROUND = 64;

function spend(value: object, reading: Reading): boolean {
  const bytes = byteLength(JSON.stringify(value)) + AROUND;
  if (bytes > reading.left) return false;
  reading.left -= bytes;
  return true;
}
