/**
 * One variable of the configuration: how it is read and checked, and what `--help` says about it.
 *
 * @module
 */

import { resolve } from "node:path";
import { type Config, ConfigError } from "./config.ts";

export interface Variable {
  name: string;
  /** A name it had in an older version, which still works. */
  oldName?: string;
  /** Its default, as `--help` shows it. */
  shown: string;
  about: string;
  /**
   * Puts its value into the configuration.
   *
   * @param text `undefined` takes the default.
   * @throws {ConfigError} If the text is wrong.
   */
  read(text: string | undefined, config: Config): void;
}

export function wrong(name: string, text: string, right: string): ConfigError {
  return new ConfigError(`${name} must be ${right}: current value is ${JSON.stringify(text)}`);
}

/** The fields of the configuration that hold a `T`. */
export type Field<T> = { [K in keyof Config]: Config[K] extends T ? K : never }[keyof Config];

export function whole(
  name: string,
  field: Field<number>,
  fallback: number,
  about: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, unit = "" } = {},
): Variable {
  return {
    name,
    shown: String(fallback),
    about,
    read(text, config) {
      const value = text === undefined ? fallback : /^\d+$/.test(text) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) {
        const to = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
        throw wrong(name, text!, `a whole number${unit && ` of ${unit}`} from ${min}${to}`);
      }
      config[field] = value;
    },
  };
}

export function flag(
  name: string,
  field: Field<boolean>,
  about: string,
  fallback = false,
): Variable {
  return {
    name,
    shown: fallback ? "1" : "0",
    about,
    read(text, config) {
      if (text !== undefined && text !== "0" && text !== "1") throw wrong(name, text, "0 or 1");
      config[field] = text === undefined ? fallback : text === "1";
    },
  };
}

/** The parts of a list separated by commas, without blank ones. */
export function list(text: string | undefined): string[] {
  return (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);
}

/** A variable that `read` checks in its own way. */
export function text(
  name: string,
  shown: string,
  about: string,
  read: (text: string | undefined, config: Config) => void,
): Variable {
  return { name, shown, about, read };
}

/** Lets a variable be set by the name it had in an older version, too. */
export function renamed(oldName: string, variable: Variable): Variable {
  return {
    ...variable,
    oldName,
    about: `${variable.about} (was ${oldName})`,
    read(text, config) {
      try {
        variable.read(text, config);
      } catch (error) {
        // The operator may have set it by its old name.
        if (!(error instanceof ConfigError)) throw error;
        throw new ConfigError(`${error.message} (its old name is ${oldName})`);
      }
    },
  };
}

/**
 * Looks a variable up, also by its old name. A blank one counts as not set.
 *
 * @param warn Called with a sentence when the old name is used.
 */
export function lookUp(
  { name, oldName }: Pick<Variable, "name" | "oldName">,
  env: (name: string) => string | undefined,
  warn: (sentence: string) => void,
): string | undefined {
  const text = env(name)?.trim() || undefined;
  const old = oldName && env(oldName)?.trim() || undefined;
  if (old === undefined) return text;
  warn(
    text === undefined
      ? `${oldName} is now called ${name}: rename it, the old name will go`
      : `${oldName} is ignored: it is now called ${name}, which is set too`,
  );
  return text ?? old;
}

/** A path, made absolute; `null` when it is not set. */
export function file(
  name: string,
  field: "tokensFile" | "tlsCert" | "tlsKey",
  about: string,
): Variable {
  return text(name, "none", about, (text, config) => {
    config[field] = text === undefined ? null : resolve(text);
  });
}
