/**
 * The command line of the server: the settings that are also flags.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ConfigError } from "./config.ts";

/** What a command line asks for. */
export type CommandLine =
  | { type: "help" | "version" }
  /** Settings by the names of their variables, over which they take precedence. */
  | { type: "serve"; settings: Readonly<Record<string, string>> };

/** The flags by the names of their variables. */
export const FLAGS: Readonly<Record<string, string>> = {
  HEADWAY_KINDS: "--kinds",
  HEADWAY_PORT: "--port",
};

/** The text about the flags in `--help`. */
export const FLAGS_HELP =
  `  --kinds <file>  a module with your own kinds; repeatable, or several separated by commas
  --port <port>   where to listen; 0 takes a free one and prints it
  --help          this text
  --version       the version`;

/** @throws {ConfigError} If it cannot be read. */
export function readFlags(args: string[]): CommandLine {
  const { values, positionals } = parse(args);
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };
  const [stray] = positionals;
  if (stray !== undefined) {
    const module = /\.[cm]?[jt]sx?$/.test(stray)
      ? `: for your own kinds write --kinds ${stray}`
      : "";
    throw new ConfigError(`There is no command '${stray}'${module || ": --help lists them"}`);
  }
  const settings: Record<string, string> = {};
  if (values.kinds) settings.HEADWAY_KINDS = values.kinds.map(requireText("--kinds")).join(",");
  if (values.port !== undefined) settings.HEADWAY_PORT = requireText("--port")(values.port);
  return { type: "serve", settings };
}

/** An error of a setting that a flag gave, with the name of the flag in place of the variable's. */
export function namedByFlag(error: unknown, settings: Readonly<Record<string, string>>): unknown {
  if (!(error instanceof ConfigError)) return error;
  const name = Object.keys(settings).find((name) => error.message.startsWith(`${name} `));
  return name ? new ConfigError(FLAGS[name] + error.message.slice(name.length)) : error;
}

/**
 * Requires that files named on the command line exist: a variable may name one that comes later.
 *
 * @param kinds URLs of modules.
 * @throws {ConfigError} If one is a file that does not exist.
 */
export async function requireFiles(kinds: readonly string[]): Promise<void> {
  for (const url of kinds.filter((it) => it.startsWith("file:"))) {
    const found = await Deno.stat(new URL(url)).then(({ isFile }) => isFile, () => false);
    if (!found) {
      throw new ConfigError(`--kinds must name files: ${fileURLToPath(url)} is not a file`);
    }
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        kinds: { type: "string", multiple: true },
        port: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
      },
    });
  } catch (error) {
    // Only its first sentence: the others do not apply to Headway's options.
    const [why] = (error as Error).message.split(/\.?\s*\n|\. /, 1);
    throw new ConfigError(`${why}: --help lists the options`);
  }
}

/** Refuses a blank value, which would count as not set. */
function requireText(flag: string): (value: string) => string {
  return (value) => {
    if (value.trim() === "") throw new ConfigError(`${flag} must not be blank`);
    return value;
  };
}
