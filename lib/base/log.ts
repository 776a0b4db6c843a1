/**
 * The one place that prints: one JSON line a record on stderr, or a coloured one on a terminal.
 *
 * @module
 */

import type { LogLevel } from "../task/define.ts";

/** Writes records of the program itself (a task's log rows are its own, in the store). */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** What happened. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** What should not, and was handled. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** What could not be handled. */
  error(message: string, fields?: Record<string, unknown>): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const COLORS = { debug: "90", info: "36", warn: "33", error: "31" };

/** What {@link createLogger} takes. */
export interface LoggerOptions {
  /** The least level written; `"off"` writes nothing. @default {"info"} */
  level?: LogLevel | "off";
  /** For people rather than programs. @default {false} */
  pretty?: boolean;
  /** Takes each line. @default stderr */
  write?: (line: string) => void;
  /** The time, milliseconds. @default {Date.now} */
  now?: () => number;
}

/** Makes a logger. An `Error` among the fields is written with its stack. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level = "info", pretty = false, now = Date.now } = options;
  // deno-lint-ignore no-console -- the seam through which everything prints
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
