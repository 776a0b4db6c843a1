/**
 * Turns any value into plain data for people to read: text takes the place of what JSON cannot
 * hold. It never throws, and its work is bounded.
 *
 * @module
 */

import { cut, textOf, withArticle } from "./text.ts";

/** Bounds on levels, values and characters. What is beyond is left out, and a text says so. */
const MAX_DEPTH = 16;
const MAX_VALUES = 4096;
const MAX_CHARACTERS = 96 * 1024;

/** Turns certain objects into plain data; `undefined` for those that get no special treatment. */
export type Special = (value: object) => unknown;

/** What is left of the bounds, and the objects around the current value. */
interface Walk {
  readonly special: Special;
  readonly within: Set<object>;
  values: number;
  characters: number;
}

export function plainOf(value: unknown, special: Special = () => undefined): unknown {
  return walk(value, {
    special,
    within: new Set(),
    values: MAX_VALUES,
    characters: MAX_CHARACTERS,
  });
}

/** Reads a field. If that throws, returns a text that says why. */
export function readField(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch (error) {
    return `[cannot be read: ${cut(textOf(error), 200)}]`;
  }
}

function walk(value: unknown, walked: Walk): unknown {
  if (--walked.values < 0) return "[left out: too many values]";
  switch (typeof value) {
    case "string": {
      // At most half of what is left, so that a long text leaves room for what follows.
      const text = cut(value, Math.max(16, Math.floor(walked.characters / 2)));
      walked.characters -= text.length;
      return text;
    }
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return cut(String(value), 200);
    case "symbol":
      return cut(String(value), 200);
    case "function":
      return "[a function]";
    default:
      return value === null ? null : walkWithin(value as object, walked);
  }
}

/** Walks an object, unless it contains itself or is nested too deep. */
function walkWithin(value: object, walked: Walk): unknown {
  const { within } = walked;
  if (within.has(value)) return "[the object that contains it]";
  if (within.size >= MAX_DEPTH) return "[left out: too deep]";
  within.add(value);
  try {
    return walkObject(value, walked);
  } catch (error) {
    return `[cannot be read: ${cut(textOf(error), 200)}]`;
  } finally {
    within.delete(value);
  }
}

function walkObject(value: object, walked: Walk): unknown {
  const special = walked.special(value);
  if (special !== undefined) return special;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (let n = 0; n < value.length && walked.values > 0; n++) {
      items.push(walk(readField(value, String(n)), walked) ?? null);
    }
    if (items.length < value.length) items.push(`[and ${value.length - items.length} more]`);
    return items;
  }
  const toJSON = readField(value, "toJSON");
  const tag = tagOf(value);
  if (typeof toJSON === "function" && !ArrayBuffer.isView(value)) {
    return walk(toJSON.call(value, ""), walked) ?? (tag === "Date" ? "[an invalid Date]" : null);
  }
  if (tag !== "Object") return `[${withArticle(cut(tag, 64))}]`;
  const entries: [string, unknown][] = [];
  const names = Object.keys(value);
  for (const name of names) {
    if (walked.values <= 0 || walked.characters <= 0) break;
    walked.characters -= name.length;
    entries.push([cut(name, 256), walk(readField(value, name), walked)]);
  }
  const left = names.length - entries.length;
  if (left > 0) entries.push(["…", `[and ${left} more]`]);
  return Object.fromEntries(entries);
}

/** The built-in type of an object, such as `Map`; `Object` for plain objects and users' classes. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
