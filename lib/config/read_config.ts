/**
 * Reads the configuration from environment variables, checks it and fills in the defaults. `--help`
 * prints the same table.
 *
 * @module
 */

import type { Config } from "./config.ts";
import { VARIABLES } from "./variables.ts";

/**
 * Reads a configuration.
 *
 * @param env Looks a variable up.
 * @throws {ConfigError} If a value is not as it should be.
 */
export function readConfig(env: (name: string) => string | undefined): Config {
  const config = {} as Config;
  for (const variable of VARIABLES) variable.read(env(variable.name)?.trim() || undefined, config);
  if (env("DENO_DEPLOYMENT_ID") !== undefined) {
    // Deno Deploy: the address counts for nothing, everybody can reach it; the store is the platform's;
    // little memory, and a life of minutes, are better spent in one process.
    config.host = "0.0.0.0";
    if (!env("HEADWAY_KV")?.trim()) config.kv = "";
    if (!env("HEADWAY_WORKERS")?.trim()) config.workers = 0;
  }
  return config;
}

/** The table of variables, as text. */
export function configHelp(): string {
  const width = Math.max(...VARIABLES.map(({ name, shown }) => name.length + shown.length));
  return VARIABLES
    .map(({ name, shown, about }) =>
      `  ${name} ${" ".repeat(width - name.length - shown.length)}${shown}  ${about}`
    )
    .join("\n");
}
