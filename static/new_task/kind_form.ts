/**
 * The fields of a kind's form, from the JSON Schema of its input.
 *
 * @module
 */

import { isObject, resolve, type Schema } from "./json_schema.ts";
import { strings } from "../i18n/strings.ts";

export type Field =
  & {
    /** The path in the input, names joined by dots; empty if the field is the whole input. */
    readonly path: string;
    /** The name of the property. */
    readonly name: string;
    readonly hint: string;
    /** Whether the server refuses an input without it. */
    readonly required: boolean;
    /** Whether it may be left empty, as it is initially. */
    readonly optional: boolean;
  }
  & (
    /** `any` has a schema that says nothing: it takes JSON, and any other text as a string. */
    | { readonly type: "file" | "text" | "lines" | "boolean" | "json" | "any" }
    | { readonly type: "email" | "url" | "date" }
    | { readonly type: "number"; readonly whole: boolean }
    | { readonly type: "choice" | "choices"; readonly options: readonly Option[] }
    | { readonly type: "group"; readonly fields: readonly Field[] }
  );

export interface Option {
  /** What is shown, and what the values of fields have. */
  readonly label: string;
  /** The value in the input. */
  readonly value: unknown;
}

/** A property with this name, or one that ends in it, names an upload. */
const UPLOAD = /(^|_)upload$|[a-z]Upload$/;

/** The depth from which nested objects are entered as JSON. */
const MAX_DEPTH = 3;

/** The fields for a kind's input; a single one for JSON if fields cannot represent the schema. */
export function formFields(input: unknown): Field[] {
  const root = (isObject(input) ? input : {}) as Schema;
  const whole = fieldOf(root, { root, path: [], required: false });
  if (whole.type !== "group") return [{ ...whole, hint: whole.hint || strings.form.input }];
  return [...whole.fields];
}

/** A single field for any input, as JSON. */
export function jsonField(): Field {
  const hint = strings.form.input;
  return { path: "", name: "", type: "json", hint, required: false, optional: false };
}

/** The file fields, also in groups. */
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
      // Further properties of the whole input can be written after switching to JSON.
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

/** Whether any value passes, as with a date parsed from text, for which libraries emit no schema. */
function saysNothing(schema: Schema): boolean {
  return Object.keys(schema).every((key) =>
    key === "description" || key === "title" || key === "default"
  );
}

function textType(format: string | undefined): "email" | "url" | "date" | "text" {
  if (format === "uri") return "url";
  return format === "email" || format === "date" ? format : "text";
}

/** A schema with its references resolved, and without `null` where that is the only alternative. */
export function plain(unresolved: Schema, root: Schema, depth = 0): Schema {
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

/** The values that a schema lists; `null` if it lists none, or if some are objects. */
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

export function defaultOf(schema: Schema, root: Schema): unknown {
  return schema.default ?? resolve(schema, root).default;
}

/** The innermost field that contains the place of a problem. */
export function fieldAt(fields: readonly Field[], path: string): Field | null {
  for (const field of fields) {
    if (field.path !== "" && field.path !== path && !path.startsWith(`${field.path}.`)) continue;
    return (field.type === "group" ? fieldAt(field.fields, path) : null) ?? field;
  }
  return null;
}
