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

/** Whose text is not their parts with commas between. */
const WORDS = "taskPermissions";

/** Where it is another one, since everybody calls it so. */
const OTHER_NAMES: Readonly<Record<string, string>> = { HEADWAY_BASE_PATH: "path" };

/** As `maxBody` of `HEADWAY_MAX_BODY`. */
export function optionName(variable: string): string {
  return OTHER_NAMES[variable] ?? variable.replace("HEADWAY_", "").toLowerCase()
    .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
const NAMES: ReadonlyMap<string, string> = new Map(
  VARIABLES.map(({ name }) => [name, optionName(name)]),
);

/**
 * @param options Without those that no variable has.
 * @param env What the platform says, as of Deno Deploy.
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

/** What is said of variables, said of options. */
export function inOptions(sentence: string): string {
  return sentence.replace(/HEADWAY_[A-Z_]+/g, (name) => NAMES.get(name) ?? name);
}

/** An option as the variable would say it; `undefined` where it is not given. */
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

/** A name of one word, as it stands on a command line. */
function quoted(word: unknown): string {
  const text = String(word);
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

/** A module: commas separate them. */
function moduleText(module: unknown): string {
  const text = String(module);
  if (!text.includes(",")) return text;
  const url = module instanceof URL || /^[a-z]+:/.test(text)
    ? text
    : pathToFileURL(resolve(text)).href;
  return url.replaceAll(",", "%2C");
}
