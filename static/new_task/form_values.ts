/**
 * The values of a form's fields: made from an input or the schema's defaults, and turned into an
 * input.
 *
 * @module
 */

import { defaultOf, type Field, fileFields, type Option, plain } from "./kind_form.ts";
import { isObject, type Problem, type Schema, schemaProblems } from "./json_schema.ts";
import { strings } from "../i18n/strings.ts";

/** The values of fields, by path: text, a checkbox, the labels of options, or an upload's id. */
export type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

/** Stands for the id of a file that is not uploaded yet. */
const PENDING_UPLOAD = "0".repeat(26);

/** The first values of the fields: from an input, and otherwise from the schema's defaults. */
export function firstValues(
  fields: readonly Field[],
  schema: unknown,
  input: unknown = undefined,
): Values {
  const root = (isObject(schema) ? schema : {}) as Schema;
  const values: Record<string, string | boolean | readonly string[]> = {};
  function fill(field: Field, own: Schema, given: unknown): void {
    const { path } = field;
    const value = given === undefined ? defaultOf(own, root) : given;
    if (field.type === "group") {
      const { properties = {} } = plain(own, root);
      for (const inner of field.fields) {
        fill(inner, properties[inner.name] ?? {}, isObject(value) ? value[inner.name] : undefined);
      }
    } else if (field.type === "boolean") values[path] = value === true;
    else if (field.type === "choices") values[path] = Array.isArray(value) ? value.map(String) : [];
    else if (field.type === "lines") values[path] = Array.isArray(value) ? value.join("\n") : "";
    else if (field.type === "json") values[path] = jsonText(value, path);
    else if (field.type === "any") values[path] = anyText(value);
    else values[path] = value === undefined || value === null ? "" : String(value);
  }
  const whole = fields[0]?.path === "";
  for (const field of fields) {
    const own = whole ? root : plain(root, root).properties?.[field.name];
    fill(field, own ?? {}, whole ? input : isObject(input) ? input[field.name] : undefined);
  }
  return values;
}

function jsonText(value: unknown, path: string): string {
  if (value === undefined) return path === "" ? "{}" : "";
  return JSON.stringify(value, null, 2);
}

function anyText(value: unknown): string {
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  return parseAny(value) === value ? value : JSON.stringify(value);
}

function parseAny(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The input for the values, without empty fields; or all that is wrong with it. */
export function toInput(
  fields: readonly Field[],
  schema: unknown,
  values: Values,
): { input: unknown } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const whole = fields[0]?.path === "";
  const input = whole ? read(fields[0]!, values, problems) : readAll(fields, values, problems);
  if (isObject(schema) && !(input === undefined && whole)) {
    const known = new Set(problems.map(({ path }) => path));
    const files = new Set(fileFields(fields).map(({ path }) => path));
    for (const { path, problem } of schemaProblems(schema as Schema, input)) {
      if (known.has(path)) continue;
      problems.push({ path, problem: files.has(path) ? strings.form.needsFile : problem });
    }
  }
  return problems.length > 0 ? { problems } : { input };
}

/** The values with stand-ins for files, so that all else can be checked before they are uploaded. */
export function withPending(values: Values, files: Iterable<string>): Values {
  return { ...values, ...Object.fromEntries([...files].map((path) => [path, PENDING_UPLOAD])) };
}

/** Whether the fields can hold an input without losing any part of it. */
export function holdsInput(fields: readonly Field[], schema: unknown, input: unknown): boolean {
  const made = toInput(fields, schema, firstValues(fields, schema, input));
  return "input" in made && contains(made.input, input);
}

function contains(whole: unknown, part: unknown): boolean {
  if (isObject(whole) && isObject(part)) {
    return Object.entries(part).every(([name, inner]) => contains(whole[name], inner));
  }
  return JSON.stringify(whole) === JSON.stringify(part);
}

function readAll(
  fields: readonly Field[],
  values: Values,
  problems: Problem[],
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const field of fields) {
    const value = read(field, values, problems);
    if (value !== undefined) input[field.name] = value;
  }
  return input;
}

/** The value of a field in the input; `undefined` if it is left out. */
function read(field: Field, values: Values, problems: Problem[]): unknown {
  const { path } = field;
  if (field.type === "group") {
    const before = problems.length;
    const inner = readAll(field.fields, values, problems);
    const empty = Object.keys(inner).length === 0 && problems.length === before;
    return empty && !field.required ? undefined : inner;
  }
  const value = values[path] ?? "";
  if (typeof value === "boolean") return value || !field.optional ? value : undefined;
  if (typeof value !== "string") {
    const { options } = field as { options: readonly Option[] };
    const ticked = options.filter(({ label }) => value.includes(label)).map((it) => it.value);
    return ticked.length === 0 && field.optional ? undefined : ticked;
  }
  if (field.type === "lines") {
    const lines = value.split("\n").filter((line) => line !== "");
    return lines.length === 0 && !field.required ? undefined : lines;
  }
  if (value.trim() === "" && (field.type === "json" || field.type === "number")) return undefined;
  if (value === "") return undefined;
  switch (field.type) {
    case "choice":
      return field.options.find(({ label }) => label === value)?.value;
    case "number": {
      const parsed = Number(value);
      if (Number.isFinite(parsed)) return parsed;
      problems.push({ path, problem: strings.form.types.number });
      return undefined;
    }
    case "any":
      return parseAny(value);
    case "json":
      try {
        return JSON.parse(value);
      } catch {
        problems.push({ path, problem: strings.form.notJson });
        return undefined;
      }
    default:
      return value;
  }
}
