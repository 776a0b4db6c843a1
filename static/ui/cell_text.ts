import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { type Entries, isObject } from "./table.ts";

/** The most values in a list that is shown on one line. */
const MAX_LIST = 24;

/** A value as the text of a cell. Small objects and lists read better without JSON's punctuation. */
export function cellText(value: unknown): string {
  if (isEmpty(value)) return strings.notYet;
  if (typeof value === "number") return number(value);
  if (isList(value)) return value.map(cellText).join(", ");
  if (isFlat(value)) {
    return Object.entries(value).map(([name, item]) => `${name} ${cellText(item)}`).join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isList(value) && !isEmpty(value);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Whether a value is an object without nested values. */
export function isFlat(value: unknown): value is Entries {
  return isObject(value) && Object.values(value).every((item) => !isNested(item));
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_LIST &&
    value.every((item) => typeof item !== "object" || item === null);
}
