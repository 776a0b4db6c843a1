/**
 * The form of a kind: fields from the JSON Schema of its input, what they hold at first, and the
 * input that they make.
 *
 * @module
 */

import { isObject, type Problem, resolve, type Schema, schemaProblems } from "./json_schema.ts";
import { strings } from "../i18n/strings.ts";

/** A field of a form. */
export type Field =
  & {
    /** Where in the input: names with dots between; empty where the field is the whole input. */
    readonly path: string;
    /** The property of the input. */
    readonly name: string;
    /** What it is for. */
    readonly hint: string;
    /** The server refuses an input without it. */
    readonly required: boolean;
    /** It may be left empty, and is at first. */
    readonly optional: boolean;
  }
  & (
    /** `any` takes JSON, and what is none as text: its schema says nothing. */
    | { readonly type: "file" | "text" | "lines" | "boolean" | "json" | "any" }
    | { readonly type: "email" | "url" | "date" }
    | { readonly type: "number"; readonly whole: boolean }
    | { readonly type: "choice" | "choices"; readonly options: readonly Option[] }
    | { readonly type: "group"; readonly fields: readonly Field[] }
  );

/** One of several values. */
export interface Option {
  /** Names it, for people and in {@link Values}. */
  readonly label: string;
  /** What stands in the input. */
  readonly value: unknown;
}

/** What the fields hold, by path: text, a tick, ticked options; of a file its upload's id. */
export type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

/** A property with this name, or one that ends in it, names an upload. */
const UPLOAD = /(^|_)upload$|[a-z]Upload$/;

/** Objects in objects in objects are asked for as JSON from here on. */
const MAX_DEPTH = 3;

/** What looks like an upload while there is none yet. */
const PENDING_UPLOAD = "0".repeat(26);

/** The fields for a kind's input: one for JSON where the schema says less, or more, than a form. */
export function formFields(input: unknown): Field[] {
  const root = (isObject(input) ? input : {}) as Schema;
  const whole = fieldOf(root, { root, path: [], required: false });
  if (whole.type !== "group") return [{ ...whole, hint: whole.hint || strings.form.input }];
  return [...whole.fields];
}

/** The one field that holds any input. */
export function jsonField(): Field {
  const hint = strings.form.input;
  return { path: "", name: "", type: "json", hint, required: false, optional: false };
}

/** The fields that name a file, wherever they are. */
export function fileFields(fields: readonly Field[]): Field[] {
  return fields.flatMap((field) =>
    field.type === "group" ? fileFields(field.fields) : field.type === "file" ? [field] : []
  );
}

/** Whether a kind works on an uploaded file. */
export function takesFile(input: unknown): boolean {
  return fileFields(formFields(input)).length > 0;
}

interface Place {
  root: Schema;
  path: readonly string[];
  required: boolean;
}

function fieldOf(unresolved: Schema, { root, path, required }: Place): Field {
  const schema = plain(unresolved, root);
  const name = path.at(-1) ?? "";
  const common = {
    path: path.join("."),
    name,
    hint: unresolved.description ?? schema.description ?? "",
    required,
    optional: !required && defaultOf(unresolved, root) === undefined,
  };
  const options = optionsOf(schema, root);
  if (options) return { ...common, type: "choice", options };
  switch (schema.type) {
    case "string":
      if (UPLOAD.test(name)) return { ...common, type: "file" };
      return { ...common, type: textType(schema.format) };
    case "boolean":
      return { ...common, type: "boolean" };
    case "integer":
    case "number":
      return { ...common, type: "number", whole: schema.type === "integer" };
    case "array": {
      const items = isObject(schema.items) ? plain(schema.items, root) : {};
      const choices = schema.prefixItems ? null : optionsOf(items, root);
      if (choices) return { ...common, type: "choices", options: choices };
      return { ...common, type: items.type === "string" ? "lines" : "json" };
    }
    case "object": {
      const { properties, additionalProperties: others } = schema;
      // What a form cannot hold of the whole input, one may still write as JSON.
      const fits = path.length === 0 || (path.length < MAX_DEPTH && !isObject(others));
      if (!properties || !fits) return { ...common, type: "json" };
      const fields = Object.entries(properties).map(([inner, property]) =>
        fieldOf(property, {
          root,
          path: [...path, inner],
          required: schema.required?.includes(inner) ?? false,
        })
      );
      return { ...common, type: "group", fields };
    }
    default:
      return { ...common, type: path.length > 0 && saysNothing(schema) ? "any" : "json" };
  }
}

/** As of a date that is made of a text: its library cannot write it down, and takes what it can read. */
function saysNothing(schema: Schema): boolean {
  return Object.keys(schema).every((key) =>
    key === "description" || key === "title" || key === "default"
  );
}

function textType(format: string | undefined): "email" | "url" | "date" | "text" {
  if (format === "uri") return "url";
  return format === "email" || format === "date" ? format : "text";
}

/** What a schema says, without its references, and of "this or nothing" this. */
function plain(unresolved: Schema, root: Schema, depth = 0): Schema {
  const schema = resolve(unresolved, root);
  const either = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (either && depth < MAX_DEPTH) {
    const something = either.filter(({ type }) => type !== "null");
    if (something.length !== 1) return schema;
    return { ...schema, ...plain(something[0]!, root, depth + 1) };
  }
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  return types.length === 1 ? { ...schema, type: types[0]! } : schema;
}

/** The values that a schema lists; `null` where it lists none, or objects. */
function optionsOf(schema: Schema, root: Schema): readonly Option[] | null {
  const values = listed(schema) ??
    (schema.anyOf ?? schema.oneOf)?.map((one) => listed(resolve(one, root)));
  if (values === undefined || values.length === 0 || values.includes(undefined)) return null;
  const all = values.flat().filter((value) => value !== null);
  if (all.some((value) => typeof value === "object")) return null;
  return all.map((value) => ({ label: String(value), value }));
}

function listed(schema: Schema): readonly unknown[] | undefined {
  return "const" in schema ? [schema.const] : schema.enum;
}

function defaultOf(schema: Schema, root: Schema): unknown {
  return schema.default ?? resolve(schema, root).default;
}

/** What the fields hold at first: an input, and where it says nothing the schema's defaults. */
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

/** The input that the values make, or all that is wrong with it. Empty fields are left out. */
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

/** The values with files that are still to be sent: what else is wrong shows before they are. */
export function withPending(values: Values, files: Iterable<string>): Values {
  return { ...values, ...Object.fromEntries([...files].map((path) => [path, PENDING_UPLOAD])) };
}

/** Whether a form can hold an input whole: nothing it says would be lost. */
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

/** The field that a problem is about: the innermost around its place. */
export function fieldAt(fields: readonly Field[], path: string): Field | null {
  for (const field of fields) {
    if (field.path !== "" && field.path !== path && !path.startsWith(`${field.path}.`)) continue;
    return (field.type === "group" ? fieldAt(field.fields, path) : null) ?? field;
  }
  return null;
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

/** What a field makes; `undefined` for nothing. */
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
