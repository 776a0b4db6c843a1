/**
 * One variable of the configuration: how it is read and checked, and what `--help` says of it.
 *
 * @module
 */

import { resolve } from "node:path";
import { type Config, ConfigError } from "./config.ts";

/** See the module. */
export interface Variable {
  /** `HEADWAY_…` */
  name: string;
  /** Its default, in words. */
  shown: string;
  /** What it is for. */
  about: string;
  /** Puts its value into the configuration. */
  read(text: string | undefined, config: Config): void;
}

/** The error for a value that is not as it should be. */
export function wrong(name: string, text: string, right: string): ConfigError {
  return new ConfigError(`${name} must be ${right}: current value is ${JSON.stringify(text)}`);
}

/** The fields of the configuration that hold a `T`. */
export type Field<T> = { [K in keyof Config]: Config[K] extends T ? K : never }[keyof Config];

/** A whole number. */
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

/** 0 or 1. */
export function flag(name: string, field: Field<boolean>, about: string): Variable {
  return {
    name,
    shown: "0",
    about,
    read(text, config) {
      if (text !== undefined && text !== "0" && text !== "1") throw wrong(name, text, "0 or 1");
      config[field] = text === "1";
    },
  };
}

/** What is separated by commas. */
export function list(text: string | undefined): string[] {
  return (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);
}

/** Anything; `read` checks it. */
export function text(
  name: string,
  shown: string,
  about: string,
  read: (text: string | undefined, config: Config) => void,
): Variable {
  return { name, shown, about, read };
}

/** A path, or none. */
export function file(
  name: string,
  field: "tokensFile" | "tlsCert" | "tlsKey",
  about: string,
): Variable {
  return text(name, "none", about, (text, config) => {
    config[field] = text === undefined ? null : resolve(text);
  });
}
