/**
 * Checks the JSON texts that a task process sends.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { MAX_JSON } from "../task/limits.ts";
import { isObject } from "./shape.ts";

/** An object's text. Its `seq` is put in by the server. */
export function isRow(json: unknown): boolean {
  const row = parsed(json);
  return isObject(row) && (json as string).length >= 3 && !("seq" in row);
}

export function isJson(json: unknown): boolean {
  return parsed(json) !== undefined;
}

/** JSON on one line: a line break would begin an event of another task in the journal. */
export function parsed(json: unknown, max = MAX_JSON): unknown {
  if (typeof json !== "string" || json.length > max || /[\n\r]/.test(json)) return undefined;
  if (json.length > max / 3 && byteLength(json) > max) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
