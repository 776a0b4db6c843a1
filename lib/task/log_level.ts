/** A level of a log row. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Levels by the names that other loggers use. */
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

/** The level for another logger's name, such as `error` for `"FATAL"`; `undefined` if unknown. */
export function levelOf(given: unknown): LogLevel | undefined {
  if (typeof given !== "string") return undefined;
  const name = given.toLowerCase();
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}
