/**
 * `mcp`: offers the kinds and tasks of a running server as tools of the Model Context Protocol, over
 * stdin and stdout. Nothing else is written to stdout.
 *
 * @module
 */

import process from "node:process";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createMcpServer } from "./mcp/mcp_server.ts";
import { Toolbox } from "./mcp/toolbox.ts";
import { Api } from "./run/api.ts";
import { readFlags, serverUrl, UsageError } from "./run/arguments.ts";
import { write } from "./run/screen.ts";

const HELP = `Offers a server's kinds and tasks as MCP tools, over stdin and stdout.

  mcp [options]

  --url URL       the server; also HEADWAY_URL, or HEADWAY_HOST, _PORT and _BASE_PATH
  --token TOKEN   sent as a Bearer token; better HEADWAY_TOKEN, which no process list shows
  --wait SECONDS  how long a call waits for its task to end, 50 if left out
  --poll SECONDS  between two looks for new and removed kinds, 15 if left out
  --help          this text
`;

/** Most clients wait a minute for an answer. */
const WAIT_S = 50;
const POLL_S = 15;

interface Arguments {
  api: Api;
  waitMs: number;
  pollMs: number;
}

/** @throws {UsageError} With what is wrong. */
function readArguments(args: string[]): Arguments | null {
  const env = (name: string) => Deno.env.get(name);
  const { values } = parse(args);
  if (values.help) return null;
  const seconds = (name: "wait" | "poll", fallback: number, least: number) => {
    const value = values[name] === undefined ? fallback : Number(values[name]);
    if (value >= least && value <= 3600) return value * 1000;
    throw new UsageError(`--${name} must be ${least} to 3600 seconds: it is '${values[name]}'`);
  };
  const token = values.token ?? (env("HEADWAY_TOKEN") || undefined);
  return {
    api: new Api(serverUrl(values.url, env), token),
    waitMs: seconds("wait", WAIT_S, 0),
    pollMs: seconds("poll", POLL_S, 0.1),
  };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const help = { type: "boolean", short: "h" } as const;
  return readFlags({ args, options: { url: text, token: text, wait: text, poll: text, help } });
}

/** @returns Its exit code, once the client has closed stdin. */
export async function mcpCommand(given: string[]): Promise<number> {
  let args;
  try {
    args = readArguments(given);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    write(Deno.stderr, `${error.message}\n`);
    return 2;
  }
  if (args === null) {
    write(Deno.stdout, HELP);
    return 0;
  }
  const { api, waitMs, pollMs } = args;
  const toolbox = new Toolbox({ api, waitMs });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  process.stdin.once("end", resolve).once("close", resolve);
  process.stdout.once("error", () => resolve());
  const serving = serveStdio(() => createMcpServer(toolbox), {
    onerror: (error) => write(Deno.stderr, `${error.message}\n`),
  });
  // A server that is away has the tools that it had.
  const timer = setInterval(() => void toolbox.read().catch(() => {}), pollMs);
  await closed;
  clearInterval(timer);
  await serving.close();
  return 0;
}
