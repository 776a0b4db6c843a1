/**
 * The form of a kind: fields from the JSON Schema of its input, and the input from their values.
 *
 * @module
 */

import { strings } from "./strings.ts";

/** A field of a form. */
export type Field =
  & {
    /** The property of the input; empty where the field is the whole input. */
    readonly name: string;
    /** What it is for. */
    readonly hint: string;
    /** The server refuses an input without it. */
    readonly required: boolean;
    /** It may be left empty, and is at first. */
    readonly optional: boolean;
  }
  & (
    | { readonly type: "file" | "text" | "boolean" }
    | {
      readonly type: "number";
      readonly whole: boolean;
      readonly min: number | undefined;
      readonly max: number | undefined;
    }
    | { readonly type: "choice" | "choices"; readonly options: readonly string[] }
    | { readonly type: "json" }
  );

/** What the fields hold, by name: text, a tick, ticked options. Files are held elsewhere. */
export type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

/** The property that names an upload. */
const UPLOAD = "upload";

interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** The fields for a kind's input. One for JSON where the schema says less, or more, than a form. */
export function formFields(input: unknown): Field[] {
  const schema = input as Schema | null;
  if (schema?.type !== "object") return [wholeInput()];
  const fields: Field[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const field = fieldOf(name, property, schema.required?.includes(name) ?? false);
    if (field === null) return [wholeInput()];
    fields.push(field);
  }
  return fields;
}

/** Whether a kind works on an uploaded file. */
export function takesFile(input: unknown): boolean {
  return formFields(input).some(({ type }) => type === "file");
}

function wholeInput(): Field {
  return { name: "", type: "json", hint: strings.form.input, required: false, optional: false };
}

function fieldOf(name: string, schema: Schema, required: boolean): Field | null {
  const optional = !required && schema.default === undefined && schema.type !== "boolean";
  const common = { name, hint: schema.description ?? "", required, optional };
  const options = (values: unknown[]) => values.map((value) => String(value));
  if (schema.enum?.every((value) => typeof value === "string")) {
    return { ...common, type: "choice", options: options(schema.enum) };
  }
  switch (schema.type) {
    case "string":
      return { ...common, type: name === UPLOAD ? "file" : "text" };
    case "boolean":
      return { ...common, type: "boolean" };
    case "integer":
    case "number":
      return {
        ...common,
        type: "number",
        whole: schema.type === "integer",
        min: bound(schema.minimum),
        max: bound(schema.maximum),
      };
    case "array":
      return schema.items?.enum?.every((value) => typeof value === "string")
        ? { ...common, type: "choices", options: options(schema.items.enum) }
        : null;
    default:
      return null;
  }
}

/** Bounds that only say "what a number can hold" say nothing to a person. */
function bound(value: number | undefined): number | undefined {
  return value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** What the fields hold at first: the schema's defaults. */
export function firstValues(fields: readonly Field[], input: unknown): Values {
  const properties = (input as Schema | null)?.properties ?? {};
  const values: Record<string, string | boolean | readonly string[]> = {};
  for (const { name, type } of fields) {
    const preset = properties[name]?.default;
    if (type === "boolean") values[name] = preset === true;
    else if (type === "choices") values[name] = Array.isArray(preset) ? preset.map(String) : [];
    else if (type === "json") values[name] = "{}";
    else values[name] = preset === undefined ? "" : String(preset);
  }
  return values;
}

/** The input that the values make, or what is wrong with a field. Empty fields are left out. */
export function toInput(
  fields: readonly Field[],
  values: Values,
  uploadId: string | null,
): { input: unknown } | { field: string; problem: string } {
  const input: Record<string, unknown> = {};
  for (const field of fields) {
    const { name } = field;
    const value = values[name];
    if (field.type === "file") {
      if (uploadId !== null) input[name] = uploadId;
      else if (field.required) return { field: name, problem: strings.form.needsFile };
      continue;
    }
    if (field.type === "json") {
      const text = String(value).trim();
      if (text === "") return { input: undefined };
      try {
        return { input: JSON.parse(text) };
      } catch {
        return { field: name, problem: strings.form.notJson };
      }
    }
    if (typeof value !== "string") {
      input[name] = value;
    } else if (value === "") {
      if (field.required) return { field: name, problem: strings.form.required };
    } else if (field.type === "number") {
      const parsed = Number(value);
      if (!Number.isFinite(parsed)) return { field: name, problem: strings.form.needsNumber };
      input[name] = parsed;
    } else {
      input[name] = value;
    }
  }
  return { input };
}
