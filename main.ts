/**
 * Headway: durable background tasks with live progress. Run as a program, this module starts a
 * server as the command line and the environment say, or a command of `tools/commands.ts`.
 *
 * @module
 */

import denoJson from "./deno.json" with { type: "json" };
import { exitWith, serve } from "./embed/program.ts";
import { endWithFirst, lacksKv, runWithKv } from "./embed/with_kv.ts";
import { FLAGS_HELP, readFlags } from "./lib/config/flags.ts";
import { configHelp } from "./lib/config/read_config.ts";
import { COMMANDS } from "./tools/commands.ts";

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
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word]! : null;
  if (!command?.remote && lacksKv()) Deno.exit(await runWithKv(import.meta.url, args));
  endWithFirst();
  if (command !== null) {
    const { usage, about, load, helps } = command;
    if (!helps && /^(-h|--help)$/.test(rest[0] ?? "")) {
      // deno-lint-ignore no-console -- what a person reads at a terminal
      return console.log(`Headway ${usage}\n  ${about}`);
    }
    Deno.exit(await (await load())(rest));
  }
  const line = readFlags(args);
  if (line.type === "serve") return await serve(line.settings);
  // deno-lint-ignore no-console -- what a person reads at a terminal
  console.log(line.type === "help" ? help() : `headway ${denoJson.version}`);
}

if (import.meta.main) await main(Deno.args).catch(exitWith);
