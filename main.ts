/**
 * Headway: durable background tasks with live progress. Run as a program, this module reads the
 * command line and the environment, starts a server, drains on SIGTERM and stops on SIGINT; or does
 * what `tools/commands.ts` has.
 *
 * @module
 */

import denoJson from "./deno.json" with { type: "json" };
import { createLogger } from "./lib/base/log.ts";
import { deadline } from "./lib/base/deadline.ts";
import { type Config, ConfigError } from "./lib/config/config.ts";
import { FLAGS_HELP, namedByFlag, readFlags, requireFiles } from "./lib/config/flags.ts";
import { configHelp, readConfig } from "./lib/config/read_config.ts";
import { FileInUseError } from "./lib/kv/file_lock.ts";
import { SchemaError } from "./lib/kv/migrations.ts";
import { StoreOpenError } from "./lib/kv/store_file.ts";
import { longestStopMs, Server, type ServerOptions } from "./lib/server.ts";
import { createHandler, OPS_ROUTES } from "./routes/mod.ts";
import { pageProblem } from "./routes/static_file.ts";
import { COMMANDS } from "./tools/commands.ts";

export type { Config } from "./lib/config/config.ts";
export { configHelp, readConfig } from "./lib/config/read_config.ts";
export type { Server } from "./lib/server.ts";

/** What {@link start} takes beside the configuration. */
export type StartOptions = Omit<ServerOptions, "version" | "environment">;

/**
 * Starts a server.
 *
 * @example
 * ```ts
 * import { readConfig, start } from "../main.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const settings: Record<string, string> = { HEADWAY_KV: ":memory:", HEADWAY_PORT: "0", HEADWAY_LOG: "off" };
 * await using server = await start(readConfig((name) => settings[name]), { inline: true });
 * const response = await fetch(`${server.url}/healthz`);
 * assertEquals(await response.json(), { status: "ok" });
 * ```
 *
 * @throws {ConfigError} If others could reach it and nothing kept them out.
 * @throws {FileInUseError} If another server has the SQLite file.
 * @throws {StoreOpenError} If the store cannot be opened.
 * @throws {Deno.errors.AddrInUse} If another program has the port.
 */
export async function start(config: Config, options: StartOptions = {}): Promise<Server> {
  const environment = () => Deno.env.toObject();
  const server = await Server.open(config, { version: denoJson.version, environment, ...options });
  await server.listen({ web: createHandler(server), ops: createHandler(server, OPS_ROUTES, "") });
  return server;
}

// deno-lint-ignore no-console -- what a person reads at a terminal
const print = console.log;

/** @param settings Go before the environment. */
async function startProgram(settings: Readonly<Record<string, string>>): Promise<Server> {
  const warnings: string[] = [];
  const config = readConfig(
    (name) => settings[name] ?? Deno.env.get(name),
    (sentence) => warnings.push(sentence),
  );
  if (settings.HEADWAY_KINDS !== undefined) await requireFiles(config.kinds);
  if (config.role !== "worker") warnings.push(...await pageProblem());
  const log = createLogger(config.log);
  for (const sentence of warnings) log.warn(sentence);
  const deployed = Deno.env.get("DENO_DEPLOYMENT_ID") !== undefined;
  // Deno Deploy kills five seconds after its SIGINT.
  const options = { log, ownsProcess: true };
  const server = await start(config, deployed ? { ...options, graceMs: 2000 } : options);
  if (server.auth.required && Deno.env.get("OTEL_DENO") === "true") {
    log.warn(
      "Deno's traces hold whole addresses, '?token=' included: have the collector drop url.full and url.query",
    );
  }
  return server;
}

/** Says what the operator can mend in one sentence, anything else in full. */
function exitWith(error: unknown): never {
  const known = error instanceof ConfigError || error instanceof FileInUseError ||
    error instanceof StoreOpenError || error instanceof SchemaError ||
    error instanceof TypeError || error instanceof Deno.errors.AddrInUse;
  // deno-lint-ignore no-console -- the log may not exist yet
  console.error(known ? `headway: ${(error as Error).message}` : error);
  Deno.exit(1);
}

async function stopAndExit(server: Server, drainMs: number): Promise<void> {
  await deadline(server.stop(drainMs), longestStopMs(drainMs), () => Deno.exit(1));
  Deno.exit(0);
}

function help(): string {
  const commands = Object.values(COMMANDS).map(({ usage, about }) => `  ${usage}\n      ${about}`);
  return `Headway: durable background tasks with live progress

  deno run -A main.ts [--kinds <file>] [--port <port>]   starts a server
  deno run -A main.ts <command>

Options:
${FLAGS_HELP}

Commands:
${commands.join("\n")}

Settings (environment):
${configHelp()}`;
}

async function main(args: string[]): Promise<void> {
  const [word = "", ...rest] = args;
  if (Object.hasOwn(COMMANDS, word)) {
    const command = await COMMANDS[word]!.load();
    Deno.exit(await command(rest));
  }
  const line = readFlags(args);
  if (line.type === "serve") await serve(line.settings);
  else print(line.type === "help" ? help() : `headway ${denoJson.version}`);
}

async function serve(settings: Readonly<Record<string, string>>): Promise<void> {
  const server = await startProgram(settings).catch((error) => {
    throw namedByFlag(error, settings);
  });
  // Open files stay open; no other can be written from here on.
  await Deno.permissions.revoke({ name: "write" });
  // An orchestrator sends SIGTERM. SIGINT comes from a person at a terminal, who does not want to wait.
  Deno.addSignalListener("SIGTERM", () => void stopAndExit(server, server.config.drainMs));
  Deno.addSignalListener("SIGINT", () => void stopAndExit(server, 0));
  await server.kinds.loaded;
  // Whoever reads this may send a signal at once, or a task of any kind.
  if (server.opsUrl) print(`Figures are at ${server.opsUrl}/metrics`);
  print(server.url ? `Headway is at ${server.url}` : "Headway runs tasks for others on its store");
}

if (import.meta.main) await main(Deno.args).catch(exitWith);
