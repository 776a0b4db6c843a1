/**
 * The log: one line per record on stderr, as JSON or colored for a terminal.
 *
 * @module
 */

import type { LogLevel } from "../task/log_level.ts";

/** The log of the server itself; log rows of tasks go to the store. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  /** Something that should not happen, but was handled. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** Something that could not be handled. */
  error(message: string, fields?: Record<string, unknown>): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const COLORS = { debug: "90", info: "36", warn: "33", error: "31" };

export interface LoggerOptions {
  /** The lowest level that is written. @default {"info"} */
  level?: LogLevel | "off";
  /** Colored lines for people instead of JSON. @default {false} */
  pretty?: boolean;
  /** @default {stderr} */
  write?: (line: string) => void;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** An `Error` among the fields is written with its stack. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = "info", pretty = false, now = Date.now } = options;
  // deno-lint-ignore no-console -- everything else prints through this
  const write = options.write ?? ((line) => console.error(line));
  const least = level === "off" ? LEVELS.length : LEVELS.indexOf(level);
  const at = (own: LogLevel) => {
    if (LEVELS.indexOf(own) < least) return () => {};
    return (message: string, fields: Record<string, unknown> = {}) => {
      const time = new Date(now()).toISOString();
      if (!pretty) return write(JSON.stringify({ time, level: own, message, ...fields }, plain));
      const rest = Object.entries(fields)
        .map(([name, value]) => ` \x1b[90m${name}=\x1b[0m${JSON.stringify(value, plain)}`)
        .join("");
      write(`\x1b[90m${time.slice(11, 23)}\x1b[0m \x1b[${COLORS[own]}m${message}\x1b[0m${rest}`);
    };
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.stack ?? String(value) : value;
}
