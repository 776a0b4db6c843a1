/**
 * Log rows as they are stored. A log row never fails a run: what JSON cannot hold becomes text,
 * what is too long is cut, and the other fields stay.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import { isPlain, MAX_VALUE } from "../task/json_value.ts";
import { levelOf } from "../task/log_level.ts";
import { plainOf } from "../task/plain.ts";
import { errorOf, isError } from "../task/task_error.ts";
import { cut, textOf } from "../task/text.ts";
import type { LogYield } from "../task/yield.ts";

/** Characters that a field takes beside its own JSON. */
const AROUND = 8;

/** A log row as an object's text. `at` is when it was yielded, in milliseconds. */
export function logJson({ level, message, data }: LogYield, at: number): string {
  const row = {
    level: levelOf(level) ?? "info",
    message: textOf(message),
    time: new Date(at).toISOString(),
  };
  const fields = fieldsOf(data);
  const whole = JSON.stringify(fields === null ? row : { ...row, data: fields });
  return fits(whole) ? whole : shortened(row, fields);
}

/** The fields that JSON can hold; `null` if there are none. */
function fieldsOf(data: unknown): object | null {
  if (typeof data !== "object" || data === null) return null;
  const plain = isPlain(data) ? data : plainOf(data, errorFields);
  if (typeof plain !== "object" || plain === null) return { data: plain };
  return Object.keys(plain).length > 0 ? plain : null;
}

function errorFields(value: object): object | undefined {
  if (!isError(value)) return undefined;
  const { error, stack } = errorOf(value);
  return { ...error, stack };
}

function fits(json: string): boolean {
  return json.length <= MAX_VALUE / 3 || byteLength(json) <= MAX_VALUE;
}

/** A row without its largest fields, and no more of its message than fits. */
function shortened(row: { message: string }, fields: object | null): string {
  const kept: [string, unknown][] = [];
  let left = MAX_VALUE / 2;
  for (const [name, value] of Object.entries(fields ?? {})) {
    const size = byteLength(JSON.stringify({ [name]: value }));
    const entry: [string, unknown] = size <= left
      ? [name, value]
      : [cut(name, 256), `[left out: ${size} bytes of JSON]`];
    left -= byteLength(JSON.stringify(entry)) + AROUND;
    if (left < 0) break;
    kept.push(entry);
  }
  const data = kept.length > 0 ? { data: Object.fromEntries(kept) } : {};
  for (let length = MAX_VALUE;; length = Math.floor(length * 0.7)) {
    const message = cut(row.message, length);
    const json = JSON.stringify({ ...row, truncated: true, message, ...data });
    if (fits(json)) return json;
  }
}
