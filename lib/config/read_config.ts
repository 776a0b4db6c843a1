/**
 * Reads the configuration from environment variables, checks it and fills in the defaults. `--help`
 * prints the same table.
 *
 * @module
 */

import type { Config } from "./config.ts";
import { lookUp } from "./variable.ts";
import { VARIABLES } from "./variables.ts";

/**
 * @param warn Called with one sentence for each setting that works but should be changed.
 * @throws {ConfigError} If a value is wrong.
 */
export function readConfig(
  env: (name: string) => string | undefined,
  warn: (sentence: string) => void = () => {},
): Config {
  const config = {} as Config;
  const given = new Set<string>();
  for (const variable of VARIABLES) {
    const text = lookUp(variable, env, warn);
    if (text !== undefined) given.add(variable.name);
    variable.read(text, config);
  }
  if (env("DENO_DEPLOYMENT_ID") !== undefined) {
    // On Deno Deploy, everybody can reach the server at any address, and the store is the platform's.
    // An isolate has little memory and lives for minutes: one process makes more of both.
    config.host = "0.0.0.0";
    if (!given.has("HEADWAY_KV")) config.kv = "";
    if (!given.has("HEADWAY_TASK_PROCESSES")) config.taskProcesses = 0;
  }
  return config;
}

/** One line for each variable: its name, its default, and what it is for. */
export function configHelp(): string {
  const width = Math.max(...VARIABLES.map(({ name, shown }) => name.length + shown.length));
  return VARIABLES
    .map(({ name, shown, about }) =>
      `  ${name} ${" ".repeat(width - name.length - shown.length)}${shown}  ${about}`
    )
    .join("\n");
}
