/**
 * Checks a value against the part of JSON Schema whose errors help a person to fill in a form.
 * Ignores what it does not know: the server checks the whole schema.
 *
 * @module
 */

import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";

/** The keywords of JSON Schema that are used. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: Schema | boolean;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export interface Problem {
  /** The keys from the value down to the place, joined by dots; empty for the value itself. */
  readonly path: string;
  /** What is wrong, in the language of the page. */
  readonly problem: string;
}

/** How many references are followed, since they may form a cycle. */
const MAX_DEPTH = 100;

const FORMATS: Readonly<Record<string, RegExp>> = {
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  uri: /^[a-z][a-z\d+.-]*:\S+$/i,
  date: /^\d{4}-\d\d-\d\d$/,
  uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i,
};

/** Everything that is wrong with `value`, with at most one problem for each place. */
export function schemaProblems(schema: Schema, value: unknown): Problem[] {
  const problems = new Map<string, string>();
  check(schema, value, {
    root: schema,
    path: [],
    depth: 0,
    tell(path, problem) {
      const key = path.join(".");
      if (!problems.has(key)) problems.set(key, problem);
    },
  });
  return [...problems].map(([path, problem]) => ({ path, problem }));
}

/** The schema that a `$ref` within `root` stands for. */
export function resolve(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let n = 0; found.$ref !== undefined && n < MAX_DEPTH; n++) {
    const parts = found.$ref.split("/").slice(1).map(decodePart);
    // deno-lint-ignore no-explicit-any -- any place of a schema can be named
    const target = parts.reduce((inner: any, part) => inner?.[part], root) as Schema | undefined;
    if (!found.$ref.startsWith("#") || target === undefined) return {};
    found = target;
  }
  return found;
}

/** Whether a value is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Place {
  readonly root: Schema;
  readonly path: readonly string[];
  readonly depth: number;
  readonly tell: (path: readonly string[], problem: string) => void;
}

function check(unresolved: Schema | boolean, value: unknown, at: Place): void {
  if (typeof unresolved === "boolean" || at.depth > MAX_DEPTH) return;
  const schema = resolve(unresolved, at.root);
  const { form } = strings;
  const tell = (problem: string) => at.tell(at.path, problem);
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => isType(type, value))) return tell(typeWord(types));
  const options = "const" in schema ? [schema.const] : schema.enum;
  if (options && !options.some((option) => same(option, value))) {
    return tell(form.oneOf(options.map(shown).join(", ")));
  }
  if (typeof value === "number") checkNumber(schema, value, tell);
  else if (typeof value === "string") checkText(schema, value, tell);
  else if (Array.isArray(value)) checkList(schema, value, at);
  else if (isObject(value)) checkObject(schema, value, at);
  for (const part of schema.allOf ?? []) check(part, value, { ...at, depth: at.depth + 1 });
  const either = schema.anyOf ?? schema.oneOf;
  if (either) checkEither(either, value, at);
}

function checkNumber(schema: Schema, value: number, tell: (problem: string) => void): void {
  const { form } = strings;
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema;
  if (minimum !== undefined && value < minimum) tell(form.atLeast(number(minimum)));
  else if (maximum !== undefined && value > maximum) tell(form.atMost(number(maximum)));
  else if (above !== undefined && value <= above) tell(form.above(number(above)));
  else if (below !== undefined && value >= below) tell(form.below(number(below)));
  else if (multipleOf !== undefined && !isWhole(value / multipleOf)) {
    tell(form.multipleOf(number(multipleOf)));
  }
}

/** Allows for rounding errors: 0.3 / 0.1 is 2.9999999999999996. */
function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-9;
}

function checkText(schema: Schema, value: string, tell: (problem: string) => void): void {
  const { form } = strings;
  const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
  // JSON Schema counts code points, not UTF-16 code units.
  const { length } = [...value];
  if (length < minLength) tell(length === 0 ? form.required : form.tooShort(number(minLength)));
  else if (length > maxLength) tell(form.tooLong(number(maxLength)));
  else if (format !== undefined && FORMATS[format]?.test(value) === false) {
    tell(form.formats[format as keyof typeof form.formats]);
  } else if (pattern !== undefined && matches(pattern, value) === false) {
    tell(form.pattern(pattern));
  }
}

/** `undefined` if the browser does not support the pattern. */
function matches(pattern: string, value: string): boolean | undefined {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return undefined;
  }
}

function checkList(schema: Schema, value: readonly unknown[], at: Place): void {
  const { form } = strings;
  const { minItems = 0, maxItems = Infinity, prefixItems = [], items = true } = schema;
  if (value.length < minItems) at.tell(at.path, form.fewItems(number(minItems)));
  if (value.length > maxItems) at.tell(at.path, form.manyItems(number(maxItems)));
  if (
    schema.uniqueItems && new Set(value.map((item) => JSON.stringify(item))).size < value.length
  ) {
    at.tell(at.path, form.uniqueItems);
  }
  for (const [n, item] of value.entries()) {
    check(prefixItems[n] ?? items, item, below(at, String(n)));
  }
}

function checkObject(schema: Schema, value: Record<string, unknown>, at: Place): void {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  for (const name of required) {
    if (!Object.hasOwn(value, name)) at.tell([...at.path, name], strings.form.required);
  }
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) check(properties[name]!, inner, below(at, name));
    else if (additionalProperties === false) at.tell(at.path, strings.form.unknownKey(name));
    else check(additionalProperties, inner, below(at, name));
  }
}

/** Checks against alternatives. If none fits, reports the problems of the closest one. */
function checkEither(either: readonly Schema[], value: unknown, at: Place): void {
  let fewest: [path: readonly string[], problem: string][] | undefined;
  for (const schema of either) {
    const told: [readonly string[], string][] = [];
    const tell = (path: readonly string[], problem: string) => void told.push([path, problem]);
    check(schema, value, { ...at, depth: at.depth + 1, tell });
    if (told.length === 0) return;
    // The deeper a problem, the closer the alternative: the value fits it down to there.
    const depth = (list: typeof told) => Math.max(...list.map(([path]) => path.length));
    if (fewest === undefined || depth(told) > depth(fewest)) fewest = told;
  }
  for (const [path, problem] of fewest ?? []) at.tell(path, problem);
}

function below(at: Place, name: string): Place {
  return { ...at, path: [...at.path, name], depth: at.depth + 1 };
}

function isType(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      // "string", "number" and "boolean" are also what `typeof` returns.
      return [typeof value].includes(type as "string");
  }
}

function typeWord(types: readonly string[]): string {
  const { types: words } = strings.form;
  const type = types.find((type) => type !== "null") ?? "null";
  return Object.hasOwn(words, type) ? words[type as keyof typeof words] : type;
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function decodePart(part: string): string {
  return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
}
