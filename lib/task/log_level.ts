/** A level of a log row. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The levels by the names that loggers give them. */
const NAMES: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  trace: "debug",
  verbose: "debug",
  info: "info",
  information: "info",
  log: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  err: "error",
  severe: "error",
  critical: "error",
  crit: "error",
  fatal: "error",
  alert: "error",
  emergency: "error",
  emerg: "error",
};

/** The level for a logger's name, as `error` for `"FATAL"`; `undefined` for an unknown one. */
export function levelOf(given: unknown): LogLevel | undefined {
  if (typeof given !== "string") return undefined;
  const name = given.toLowerCase();
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}
