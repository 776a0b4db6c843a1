/**
 * Checks values that other code than ours may have made, by the fields of an object's type.
 *
 * @module
 */

export type Check = (value: unknown) => boolean;

/** A check for each field of a type. */
export type Checks<T> = { readonly [Field in keyof Required<T>]: Check };

/** The checks of a union's members, by the value of the field that tells them apart. */
export type ChecksBy<Tag extends string, T extends Record<Tag, string>> = {
  readonly [Value in T[Tag]]: Checks<Omit<Extract<T, Record<Tag, Value>>, Tag>>;
};

/** Whether a value is an object with these fields and no other; all of them, or the `required`. */
export function fits<T>(
  value: unknown,
  checks: Checks<T>,
  required: readonly string[] = Object.keys(checks),
  tag?: string,
): boolean {
  if (!isObject(value)) return false;
  for (const field of Object.keys(value)) {
    if (field === tag) continue;
    if (!Object.hasOwn(checks, field) || !checks[field as keyof T](value[field])) return false;
  }
  return required.every((field) =>
    Object.hasOwn(value, field) || checks[field as keyof T](undefined)
  );
}

export function fitsOne<Tag extends string, T extends Record<Tag, string>>(
  value: unknown,
  tag: Tag,
  checks: ChecksBy<Tag, T>,
): boolean {
  if (!isObject(value)) return false;
  const name = value[tag];
  return typeof name === "string" && Object.hasOwn(checks, name) &&
    fits(value, checks[name as T[Tag]], undefined, tag);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(max: number): Check {
  return (value) => typeof value === "string" && value.length <= max;
}

/** A text that is short as JSON, too: see `brief()`. */
export function isBrief(max: number): Check {
  return (value) => isText(max)(value) && JSON.stringify(value).length <= 2 * max + 2;
}

export function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

export function isList(value: unknown, max: number): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length <= max;
}

export function isFrom(min: number): Check {
  return (value) => typeof value === "number" && value >= min && value < Infinity;
}

export function isNullOr(check: Check): Check {
  return (value) => value === null || check(value);
}

export function isOptional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
