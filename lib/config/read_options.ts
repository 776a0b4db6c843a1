/**
 * Reads the configuration from the options of a program: each is a variable of the environment with
 * its name in camelCase, and is read and checked like that.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Config, ConfigError } from "./config.ts";
import { readConfig } from "./read_config.ts";
import { VARIABLES } from "./variables.ts";

/** The option whose parts are separated by spaces, not commas. */
const WORDS = "taskPermissions";

/** Options that are not named after their variable, since everybody knows them by another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = { HEADWAY_BASE_PATH: "path" };

/** The option of a variable, such as `maxBody` for `HEADWAY_MAX_BODY`. */
export function optionName(variable: string): string {
  return OTHER_NAMES[variable] ?? variable.replace("HEADWAY_", "").toLowerCase()
    .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
const NAMES: ReadonlyMap<string, string> = new Map(
  VARIABLES.map(({ name }) => [name, optionName(name)]),
);

/**
 * @param options Only options that a variable has.
 * @param env The platform's own variables, as of Deno Deploy.
 * @throws {ConfigError} If one is wrong, or there is no such option. The message names it.
 */
export function readOptions(
  options: Readonly<Record<string, unknown>>,
  env: (name: string) => string | undefined = () => undefined,
): Config {
  const known = [...NAMES.values()];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(`There is no option '${unknown}': there are ${known.join(", ")}`);
  }
  const texts = new Map(
    [...NAMES].map(([name, option]) => [name, textOf(option, options[option])]),
  );
  try {
    return readConfig((name) => texts.has(name) ? texts.get(name) : env(name));
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(inOptions(error.message)) : error;
  }
}

/** A sentence about variables, with the names of their options. */
export function inOptions(sentence: string): string {
  return sentence.replace(/HEADWAY_[A-Z_]+/g, (name) => NAMES.get(name) ?? name);
}

/** An option as the text of its variable; `undefined` if it is not given. */
function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value ? "1" : "0";
  if (name === "kinds") return parts(value).map(moduleText).join();
  if (name === WORDS) return parts(value).map(quoted).join(" ");
  if (Array.isArray(value)) return value.join();
  if (typeof value === "object" && !(value instanceof URL)) {
    throw new ConfigError(`'${name}' must be a text, a number or a list, not an object`);
  }
  return String(value);
}

function parts(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Quotes a part as one word of a command line. */
function quoted(word: unknown): string {
  const text = String(word);
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

/** A module without commas, since these separate modules. */
function moduleText(module: unknown): string {
  const text = String(module);
  if (!text.includes(",")) return text;
  const url = module instanceof URL || /^[a-z]+:/.test(text)
    ? text
    : pathToFileURL(resolve(text)).href;
  return url.replaceAll(",", "%2C");
}
