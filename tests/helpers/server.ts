/**
 * Servers to test against: a real process, or one in this process.
 *
 * @module
 */

import { start, type StartOptions } from "../../embed/open.ts";
import { readConfig } from "../../lib/config/read_config.ts";
import type { Server } from "../../lib/server.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { startDenokv } from "./denokv.ts";
import { TEST_KINDS } from "./kinds.ts";
import { tempDir } from "./temp_dir.ts";

const ROOT = new URL("../../", import.meta.url);

/** Whether HEADWAY_TEST_STORE is `denokv`: servers then use a KV Connect server of their own. */
export const ON_DENOKV: boolean = Deno.env.get("HEADWAY_TEST_STORE") === "denokv";

export interface ServerOptions {
  /** Further `HEADWAY_…` variables. */
  env?: Record<string, string>;
  /** The SQLite file. By default it is a new one, which is removed at the end. */
  kv?: string;
  /** Arguments of `deno`. @default {those of the task `start` of deno.json} */
  args?: string[];
  /** The value of `HEADWAY_KINDS`. @default {TEST_KINDS} */
  kinds?: string;
  /** The working directory. @default {that of Headway} */
  cwd?: string;
  /** A command to run it with, such as {@link Network.prefix}. */
  prefix?: readonly string[];
}

/** A server in a process of its own. Disposing of it kills it. */
export interface ServerProcess extends AsyncDisposable {
  /** Its origin; empty for a `worker`, which does not listen. */
  readonly url: string;
  readonly process: Deno.ChildProcess;
  /** Its SQLite file. */
  readonly kv: string;
  /** The lines that it has written to stderr. */
  readonly stderr: string[];
  /** Sends a signal, SIGKILL by default, and resolves when the process has ended. */
  kill(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
}

/** Starts `main.ts` as the task `start` of deno.json does, and waits until it answers. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  await using resources = new AsyncDisposableStack();
  const remote = ON_DENOKV && !options.kv ? resources.use(await startDenokv()) : undefined;
  const kv = options.kv ?? remote?.url ?? `${resources.use(await tempDir()).path}/test.db`;
  const args = options.args ?? denoJson.tasks.start.command.split(" ").slice(1);
  const [program = "", ...before] = [...options.prefix ?? [], Deno.execPath()];
  const child = new Deno.Command(program, {
    args: [...before, ...args],
    cwd: options.cwd ?? ROOT,
    env: {
      HEADWAY_PORT: "0",
      HEADWAY_KV: kv,
      HEADWAY_KINDS: options.kinds ?? TEST_KINDS,
      HEADWAY_LOG: "warn",
      // A server that stops has no load balancer to wait for.
      HEADWAY_DRAIN_MS: "1000",
      ...remote?.env,
      ...options.env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr: string[] = [];
  const listening = Promise.withResolvers<string>();
  const reading = Promise.all([
    readLines(child.stdout, (line) => {
      const [, url] = /^Headway (?:is at (\S+)|runs tasks)/.exec(line) ?? [null];
      if (url !== null) listening.resolve(url ?? "");
    }),
    readLines(child.stderr, (line) => stderr.push(line)),
  ]);
  const ended = Promise.all([child.status, reading]).then(([status]) => {
    listening.reject(new Error(`The server ended at start:\n${stderr.join("\n")}`));
    return status;
  });
  const kill = (signal: Deno.Signal = "SIGKILL") => {
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    return ended;
  };
  resources.defer(async () => void await kill());
  const url = await listening.promise;
  const owned = resources.move();
  return {
    url,
    process: child,
    kv,
    stderr,
    kill,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Passes each line of a stream to `take`, and the rest after the last newline if there is any. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
}

export type TestAppOptions = StartOptions;

/**
 * Starts a server in this process, with a store in memory and the kinds of the tests. Tasks run
 * inline, so that `openGate()` reaches them. `settings` are `HEADWAY_…` variables.
 */
export async function testApp(
  settings: Record<string, string> = {},
  options: TestAppOptions = {},
): Promise<Server> {
  await using resources = new AsyncDisposableStack();
  const remote = ON_DENOKV && !settings.HEADWAY_KV && !options.kv
    ? resources.use(await startDenokv())
    : undefined;
  const all: Record<string, string> = {
    HEADWAY_PORT: "0",
    HEADWAY_KV: ":memory:",
    HEADWAY_KINDS: TEST_KINDS,
    HEADWAY_LOG: "error",
    ...remote?.env,
    ...settings,
  };
  const config = readConfig((name) => all[name]);
  const server = await start(config, { inline: true, graceMs: 1000, ...options });
  return remote ? withStore(server, resources.move()) : server;
}

/** Has the server dispose of its store when it is disposed of. */
function withStore(server: Server, store: AsyncDisposableStack): Server {
  return Object.assign(server, {
    async [Symbol.asyncDispose](): Promise<void> {
      await server.stop(0);
      await store.disposeAsync();
    },
  });
}
