/**
 * Reads what a generator yielded, and says what is wrong where it is none of what may be.
 *
 * @module
 */

import { byteLength } from "../base/bytes.ts";
import type { Report } from "../task/state.ts";
import { MAX_JSON } from "../task/limits.ts";
import { brief, cut, textOf } from "../task/text.ts";
import { type LogLevel, type LogYield, type Progress, yieldType } from "../task/define.ts";

/** A yield, as it goes to the server. `json` is an object's text. */
export type Yielded =
  | { type: "progress"; report: Report }
  | { type: "log" | "output" | "save"; json: string };

/** Characters of a report's texts; what is longer is cut. */
export const MAX_TEXT = { message: 4096, stage: 256, unit: 64 };

/** Bytes left for what stands around a log row's or output's own text. */
const AROUND = 128;

/**
 * Reads a yielded value. A bare number is percent, a bare string a message, `undefined` a plain
 * pause (`null` is returned).
 *
 * @param at Milliseconds: when it was yielded.
 * @throws {TypeError} If it is nothing a task may yield, or cannot be written as JSON.
 * @throws {RangeError} If an output or checkpoint is larger than 48 KiB of JSON.
 */
export function readYield(value: unknown, at: number): Yielded | null {
  switch (yieldType(value)) {
    case "log":
      return { type: "log", json: logJson(value as LogYield, at) };
    case "output": {
      const data = toJson("output()", (value as { data: unknown }).data);
      return { type: "output", json: `{"data":${data},"time":"${new Date(at).toISOString()}"}` };
    }
    case "save":
      return { type: "save", json: toJson("save()", (value as { data: unknown }).data) };
    case "progress":
      return { type: "progress", report: readReport(value as Progress, at) };
  }
  if (value === undefined) return null;
  if (typeof value === "number") {
    return { type: "progress", report: readReport({ progress: value }, at) };
  }
  if (typeof value === "string") {
    return { type: "progress", report: readReport({ message: value }, at) };
  }
  if (typeof value === "object" && value !== null && isReport(value)) {
    return { type: "progress", report: readReport(value, at) };
  }
  throw new TypeError(
    "Cannot yield this as it is none of a number, a message, { progress, message }, progress(), " +
      `log(), output() and save(): ${describe(value)}`,
  );
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const REPORT_FIELDS = ["progress", "done", "total", "unit", "stage", "message"] as const;

function isReport(value: object): value is Progress {
  return REPORT_FIELDS.some((field) => field in value);
}

function readReport(value: Progress, at: number): Report {
  const report: Report = { at };
  for (const field of ["progress", "done", "total"] as const) {
    const number = value[field];
    if (number === undefined) continue;
    if (number === null && field === "progress") {
      report.progress = null;
    } else if (typeof number !== "number" || !Number.isFinite(number) || number < 0) {
      throw new TypeError(
        `Cannot yield this progress as '${field}' must be a number from 0: ${describe(number)}`,
      );
    } else {
      report[field] = field === "progress" ? Math.min(100, number) : number;
    }
  }
  for (const field of ["unit", "stage", "message"] as const) {
    const text = value[field];
    // Types allow no null; a task in JavaScript may mean "nothing to say" by it.
    if (text !== undefined && text !== null) report[field] = brief(textOf(text), MAX_TEXT[field]);
  }
  return report;
}

/** A log row is never a reason to fail: what cannot be kept is put right, what is too long is cut. */
function logJson({ level, message, data }: LogYield, at: number): string {
  const row = {
    level: LEVELS.includes(level) ? level : "info",
    message: textOf(message),
    time: new Date(at).toISOString(),
  };
  const more = typeof data === "object" && data !== null && Object.keys(data).length > 0;
  const whole = JSON.stringify(more ? { ...row, data: safe(data) } : row);
  if (byteLength(whole) <= MAX_JSON - AROUND) return whole;
  const bare = { ...row, truncated: true };
  for (let length = MAX_JSON - AROUND;; length = Math.floor(length * 0.7)) {
    const json = JSON.stringify({ ...bare, message: cut(bare.message, length) });
    if (byteLength(json) <= MAX_JSON - AROUND) return json;
  }
}

/** A value as JSON, or text in its place where it has none. */
function safe(value: unknown): unknown {
  try {
    JSON.stringify(value);
    return value;
  } catch (error) {
    return { unserializable: textOf(error) };
  }
}

/**
 * A task's value as JSON text.
 *
 * @throws {TypeError} If it cannot be written as JSON.
 * @throws {RangeError} If it is larger than 48 KiB.
 */
export function toJson(what: string, value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`Cannot keep what ${what} was given as it is no JSON: ${textOf(cause)}`);
  }
  json ??= "null";
  const size = byteLength(json);
  if (size > MAX_JSON - AROUND) {
    throw new RangeError(
      `Cannot keep what ${what} was given as it is ${size} bytes of JSON and the limit is ${
        MAX_JSON - AROUND
      }: put it into an upload`,
    );
  }
  return json;
}

function describe(value: unknown): string {
  try {
    return cut(JSON.stringify(value) ?? String(value), 100);
  } catch {
    return typeof value;
  }
}
