/**
 * Checks the input of a task with the schema of its kind, in a process where users' code may run.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { unlessAborted } from "../base/unless_aborted.ts";
import type { AnyTask } from "../task/define.ts";
import { isPlain, pathText } from "../task/json_value.ts";
import type { StandardIssue, StandardResult, StandardSchema } from "../task/standard_schema.ts";
import type { TaskKeys } from "../task/record.ts";
import { keysFor } from "../task/start_limits.ts";
import { brief, textOf } from "../task/text.ts";

/** What is wrong with an input, and where. */
export interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** The result of a check. */
export type Checked =
  /**
   * The input to store, as JSON text. With `parsed` it is all that the schema made of it, and no
   * attempt needs to parse it again.
   */
  | { readonly input: string | null; readonly parsed: boolean; readonly keys?: TaskKeys }
  | { readonly issues: readonly InputIssue[] };

/** How many issues are reported. */
export const MAX_ISSUES = 20;

/** Characters of an issue's message, and of a step of its path; steps of a path. */
export const MAX_MESSAGE = 1024;
export const MAX_STEP = 256;
export const MAX_STEPS = 32;

/** For a kind that the module no longer has. */
export function noSuchKind(kind: string): Checked {
  return { issues: [{ path: [], message: `its module no longer has the kind '${kind}'` }] };
}

/**
 * Checks an input, given as JSON text. Never rejects.
 *
 * @param parsed Whether its schema has made it already, and so may not accept it again.
 */
export async function checkInput(
  task: AnyTask,
  given: string | null,
  parsed = false,
): Promise<Checked> {
  const { input: schema } = task;
  const value: unknown = given === null ? undefined : JSON.parse(given);
  if (!schema || parsed) return withKeys(task, value, { input: given, parsed });
  try {
    const result = await schema["~standard"].validate(value);
    if (result.issues) return { issues: result.issues.slice(0, MAX_ISSUES).map(issueOf) };
    return withKeys(task, result.value, await storable(schema, given, result.value));
  } catch (error) {
    const path = await throwingPath(schema, value);
    return { issues: [{ path, message: brief(`its schema threw ${textOf(error)}`, MAX_MESSAGE) }] };
  }
}

/** Adds the keys by which the limits of its kind count the input. */
function withKeys(task: AnyTask, value: unknown, checked: Checked): Checked {
  try {
    const keys = keysFor(task, value);
    return keys && !("issues" in checked) ? { ...checked, keys } : checked;
  } catch (error) {
    return { issues: [{ path: [], message: brief(textOf(error), MAX_MESSAGE) }] };
  }
}

/**
 * What to store of an input that fits, so that each attempt gets what the schema made of it now,
 * defaults included. If that is not plain JSON (a `Date`), the first of these is stored that the schema
 * parses to the same value again: its JSON, or the input with the defaults filled in, which may differ
 * from parse to parse. Otherwise the input is stored as it was given.
 */
async function storable(
  schema: StandardSchema,
  given: string | null,
  value: unknown,
): Promise<Checked> {
  if (value === undefined) return { input: null, parsed: true };
  if (isPlain(value, true)) return { input: JSON.stringify(value), parsed: true };
  const texts = [
    () => JSON.stringify(value),
    () => JSON.stringify(filledIn(given === null ? {} : JSON.parse(given), value)),
  ];
  for (const text of texts) {
    try {
      const json = text();
      const again = await schema["~standard"].validate(JSON.parse(json));
      if (!again.issues && isDeepStrictEqual(again.value, value)) {
        return { input: json, parsed: false };
      }
    } catch {
      // The schema may not accept what it makes.
    }
  }
  return { input: given, parsed: false };
}

/** What was given, with the fields that its schema added. */
function filledIn(given: unknown, value: unknown): unknown {
  if (!isObject(given) || !isObject(value)) return given;
  if (Array.isArray(given) || Array.isArray(value)) {
    if (!Array.isArray(given) || !Array.isArray(value)) return given;
    return given.map((item, i) => filledIn(item, value[i]));
  }
  const made = Object.entries(value);
  const added = made.filter(([name]) => !Object.hasOwn(given, name));
  const values = new Map(made);
  const filled = Object.entries(given)
    .map(([name, field]): [string, unknown] => [name, filledIn(field, values.get(name))]);
  return Object.fromEntries([...filled, ...added]);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * The input of a run as its schema makes it: parsed again if JSON could not hold that.
 *
 * @throws {TypeError} If it does not fit.
 */
export async function readInput(
  task: AnyTask,
  { input: json, parsed }: Extract<Checked, { input: unknown }>,
): Promise<unknown> {
  const input: unknown = json === null ? undefined : JSON.parse(json);
  if (!task.input || parsed) return input;
  const result = await task.input["~standard"].validate(input);
  if (result.issues) {
    throw new TypeError(
      `Cannot run '${task.kind}' as its input does not fit: ${result.issues[0]?.message}`,
    );
  }
  return result.value;
}

function issueOf({ path = [], message }: StandardIssue): InputIssue {
  return {
    path: path.slice(0, MAX_STEPS).map((step) =>
      String(typeof step === "object" ? step.key : step).slice(0, MAX_STEP)
    ),
    message: brief(textOf(message), MAX_MESSAGE),
  };
}

/**
 * Checks a value of a run by a schema. Once the signal aborts, an answer is not waited for.
 *
 * @throws {unknown} The signal's reason.
 */
export async function validated(
  schema: StandardSchema,
  value: unknown,
  signal: AbortSignal,
): Promise<StandardResult<unknown>> {
  const answer = schema["~standard"].validate(value);
  return answer instanceof Promise ? await unlessAborted(answer, signal) : answer;
}

/** What is wrong with a value, in words; `root` is what the path to it begins with. */
export function issueText(root: string, issue: StandardIssue | undefined): string {
  const { path = [], message = "its schema rejects it" } = issue ?? {};
  const steps = path.slice(0, MAX_STEPS).map((step) => {
    const key = typeof step === "object" ? step.key : step;
    return typeof key === "number" ? key : String(key);
  });
  return `${pathText(root, steps)}: ${brief(textOf(message), MAX_MESSAGE)}`;
}

/** The field at which a schema throws: the one that it read last. */
async function throwingPath(schema: StandardSchema, value: unknown): Promise<string[]> {
  let last: string[] = [];
  const watched = (value: unknown, path: string[]): unknown => {
    if (typeof value !== "object" || value === null) return value;
    return new Proxy(value, {
      get(target, key) {
        const field = Reflect.get(target, key);
        if (typeof key !== "string" || !Object.hasOwn(target, key)) return field;
        last = [...path, key].slice(0, MAX_STEPS);
        return watched(field, last);
      },
    });
  };
  try {
    await schema["~standard"].validate(watched(value, []));
    return [];
  } catch {
    return last.map((step) => step.slice(0, MAX_STEP));
  }
}
