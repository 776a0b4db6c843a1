/**
 * The values that a task's generator may yield.
 *
 * @module
 */

import type { ChildrenYield } from "./children_yield.ts";
import { levelOf, type LogLevel } from "./log_level.ts";
import { YIELD } from "./marker.ts";
import { readField } from "./plain.ts";
import type { ArtifactRecord } from "./record.ts";
import type { SleepYield } from "./sleep.ts";
import type { StepYield } from "./step.ts";
import { isError } from "./task_error.ts";
import type { SignalYield } from "./wait_for.ts";

export { YIELD };

/** The argument of {@link progress}. All fields are optional: give those that you know. */
export interface Progress {
  /** Percent, 0–100. Computed from `done` and `total` if left out. */
  progress?: number | null;
  /** Units done so far. */
  done?: number;
  /** Units in all; leave it out while unknown. */
  total?: number;
  /** What is counted: "bytes", "rows", … At most 64 characters. */
  unit?: string;
  /** The name of the part of the work under way. At most 256 characters. */
  stage?: string;
  /** A sentence for the person who waits. At most 4,096 characters; longer ones are cut. */
  message?: string;
}

/** A yielded progress report. Made by {@link progress}. */
export interface ProgressYield extends Progress {
  /** Always `"progress"`. */
  readonly [YIELD]: "progress";
}

/** A yielded log row. Made by {@link log}. */
export interface LogYield {
  /** Always `"log"`. */
  readonly [YIELD]: "log";
  /** The level. */
  level: LogLevel;
  /** The text. */
  message: string;
  /** Further fields, as JSON. */
  data: Record<string, unknown>;
}

/** A yielded partial result. Made by {@link output}. */
export interface OutputYield<Output> {
  /** Always `"output"`. */
  readonly [YIELD]: "output";
  /** The value, as JSON. */
  data: Output;
}

/** A yielded checkpoint. Made by {@link save}. */
export interface SaveYield<Checkpoint> {
  /** Always `"save"`. */
  readonly [YIELD]: "save";
  /** The value, as JSON. */
  data: Checkpoint;
}

/** The description of a stored file. */
export interface ArtifactInfo extends ArtifactRecord {
  /** SHA-256 of the content, in hex. */
  sha256: string;
}

/** A part of an artifact: its name, some of its bytes, or its end, which takes the description. */
export type ArtifactPart =
  | { name: string; type: string }
  | { bytes: Uint8Array }
  | { kept: ArtifactInfo | null };

/** A yielded part of an artifact. Made by {@link ./artifact.ts artifact}. */
export interface ArtifactYield {
  /** Always `"artifact"`. */
  readonly [YIELD]: "artifact";
  /** The part. */
  part: ArtifactPart;
}

/** Everything a task's generator may yield: a bare number is percent, a bare string a message. */
// deno-lint-ignore no-explicit-any -- a task's own output and checkpoint types; inferred per task
export type Yield<Output = any, Checkpoint = any> =
  | number
  | string
  | Progress
  | ProgressYield
  | LogYield
  | OutputYield<Output>
  | SaveYield<Checkpoint>
  | ArtifactYield
  | StepYield
  | SleepYield
  | SignalYield
  | ChildrenYield;

/**
 * Reports progress. Progress is state: the newest value counts, and values between two commits are
 * conflated, so yield it as often as you like.
 *
 * @example
 * ```ts
 * import { progress } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * const report = progress({ done: 3, total: 10, unit: "rows", message: "row 3" });
 * assertEquals(report.done, 3);
 * ```
 */
export function progress(value: Progress): ProgressYield {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      "Cannot report progress as it takes an object, such as { done: 3, total: 10 }",
    );
  }
  return { ...value, [YIELD]: "progress" };
}

/** A level of a log row, as Headway or another logger calls it. */
export type GivenLevel = LogLevel | "trace" | "notice" | "warning" | "critical" | "fatal";

/**
 * Adds a log row: stored once, in order, never dropped. `level` (default `"info"`) is taken out of
 * `fields`, and may be another logger's name for it; the other fields become the row's `data`. An
 * `Error` keeps its name, message, causes and stack; what JSON cannot hold becomes text. A row of
 * more than 48 KiB of JSON is cut.
 *
 * @example
 * ```ts
 * import { log } from "headway";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(log("skipped: no e-mail", { row: 7, level: "warning" }).level, "warn");
 * assertEquals(log("skipped: no e-mail", { row: 7, level: "warn" }).data, { row: 7 });
 * ```
 */
export function log(
  message: string,
  fields: { level?: GivenLevel; [field: string]: unknown } = {},
): LogYield {
  const given = fieldsIn(fields);
  let level: LogLevel = "info";
  const data: [string, unknown][] = [];
  for (const name of namesOf(given)) {
    const value = readField(given, name);
    const known = name === "level" ? levelOf(value ?? "info") : undefined;
    if (known) level = known;
    else data.push([name, value]);
  }
  return { [YIELD]: "log", level, message, data: Object.fromEntries(data) };
}

/** Untyped code may give anything as fields. */
function fieldsIn(given: unknown): object {
  if (isError(given)) return { error: given };
  if (given === null) return {};
  return typeof given === "object" && hasFields(given) ? given : { data: given };
}

/** Whether an object can be fields: not an array, bytes or a `Map`, and without a `toJSON()`. */
function hasFields(given: object): boolean {
  try {
    if (typeof (given as { toJSON?: unknown }).toJSON === "function") return false;
    if (Array.isArray(given) || ArrayBuffer.isView(given)) return false;
    if (Object.keys(given).length > 0) return true;
    const prototype = Object.getPrototypeOf(given);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  } catch {
    return true;
  }
}

function namesOf(fields: object): string[] {
  try {
    return Object.keys(fields);
  } catch {
    return [];
  }
}

/**
 * Adds a partial result: stored once and streamed in order. At most 48 KiB of JSON. What JSON cannot
 * hold is refused.
 */
export function output<Output>(data: Output): OutputYield<Output> {
  return { [YIELD]: "output", data };
}

/**
 * Saves a checkpoint. It is committed with the events yielded before it, and handed to `run` as
 * `checkpoint` when the task starts again after a crash or for a retry. At most 48 KiB of JSON. A
 * value that would not come back as it was is refused: save a date as text.
 */
export function save<Checkpoint>(data: Checkpoint): SaveYield<Checkpoint> {
  return { [YIELD]: "save", data };
}

/** What `step()`, `sleep()`, `waitFor()` and `children()` yield. */
export type AnsweredYield = StepYield | SleepYield | SignalYield | ChildrenYield;

/** Which of Headway's yields a value is; `undefined` for a plain value. */
export function yieldType(
  value: unknown,
): "progress" | "log" | "output" | "save" | "artifact" | AnsweredYield[typeof YIELD] | undefined {
  return typeof value === "object" && value !== null
    ? (value as Partial<ProgressYield>)[YIELD] as "progress" | undefined
    : undefined;
}

/** Whether a yielded value is given an answer that is stored under its name. */
export function wantsAnswer(value: unknown): value is AnsweredYield {
  const type = yieldType(value);
  return type === "step" || type === "sleep" || type === "signal" || type === "children";
}

/** Characters of a report's texts; longer ones are cut. */
export const MAX_TEXT = { message: 4096, stage: 256, unit: 64 };
