/**
 * Checks the JSON texts that a task process sends.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { MAX_JSON } from "../task/limits.ts";
import { isObject } from "./shape.ts";

/** Whether this is the text of an object that is not empty. Its `seq` is put in by the server. */
export function isRow(json: unknown): boolean {
  const row = parsed(json);
  return isObject(row) && (json as string).length >= 3 && !("seq" in row);
}

export function isJson(json: unknown): boolean {
  return parsed(json) !== undefined;
}

/** Parses JSON on one line: a line break would begin another task's event in the journal. */
export function parsed(json: unknown, max = MAX_JSON): unknown {
  if (typeof json !== "string" || json.length > max || /[\n\r]/.test(json)) return undefined;
  if (json.length > max / 3 && byteLength(json) > max) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
