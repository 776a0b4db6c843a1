/**
 * Reads what a generator yielded, and says what is wrong with an invalid value.
 *
 * @module
 */

import { toJson } from "../task/json_value.ts";
import { plainOf } from "../task/plain.ts";
import type { Report } from "../task/report.ts";
import { brief, cut, textOf } from "../task/text.ts";
import { type LogYield, MAX_TEXT, type Progress, YIELD, yieldType } from "../task/yield.ts";
import { logJson } from "./log_row.ts";

/** A yield, as it goes to the server. `json` is an object's text. */
export type Yielded =
  | { type: "progress"; report: Report }
  | { type: "log" | "output" | "save"; json: string };

const OUTPUT = { what: "output()", root: "output" };

/** Exact, as a task goes on with what it saved as if it had never stopped. */
const CHECKPOINT = { what: "save()", root: "checkpoint", exact: true };

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
      const data = toJson((value as { data: unknown }).data, OUTPUT);
      return { type: "output", json: `{"data":${data},"time":"${new Date(at).toISOString()}"}` };
    }
    case "save":
      return { type: "save", json: toJson((value as { data: unknown }).data, CHECKPOINT) };
    case "progress":
      requireReport(value as object);
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
    "Cannot yield this as it must be a number, a message, { progress, message }, progress(), " +
      `log(), output(), save() or artifact(): ${describe(value)}`,
  );
}

const REPORT_FIELDS = ["progress", "done", "total", "unit", "stage", "message"] as const;

function isReport(value: object): value is Progress {
  return REPORT_FIELDS.some((field) => field in value);
}

/** Requires fields of a report. An empty one is valid: it says that nothing is known. */
function requireReport(value: object): void {
  if (isReport(value)) return;
  const { [YIELD]: _, ...given } = value as Record<string, unknown>;
  if (Object.keys(given).length === 0) return;
  throw new TypeError(
    `Cannot yield this progress as it must have one of ${REPORT_FIELDS.join(", ")}: ${
      describe(given)
    }`,
  );
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

function describe(value: unknown): string {
  return cut(JSON.stringify(plainOf(value)) ?? String(value), 100);
}
