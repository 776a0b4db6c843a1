import { answering, Child, freePort } from "./child.ts";
import type { Running, StartOptions, System } from "./system.ts";

/** A checkout of Headway. */
export interface Tree {
  /** Its name in the tables. */
  name: string;
  /** Its root folder; ends with a slash. */
  root: URL;
}

/** This checkout. */
export const HERE: Tree = { name: "Headway", root: new URL("../../", import.meta.url) };

/** The name of the checkout of `--against`. */
export const BEFORE = "before";

/** The files of the bench's kinds. */
const KINDS = ["kinds.ts", "pace.mjs"];

/** Headway, started as `deno task start` does: the same command line, with its defaults. */
export function headway(tree: Tree): System {
  return {
    name: tree.name,
    async start({ concurrency, directory, port = freePort() }: StartOptions): Promise<Running> {
      const startedAt = performance.now();
      const server = headwayChild(tree, directory, {
        HEADWAY_PORT: String(port),
        HEADWAY_KV: `${directory}/headway.db`,
        HEADWAY_CONCURRENCY: String(concurrency),
      });
      try {
        await answering(server, port, "/tasks?limit=1");
      } catch (error) {
        await server.kill();
        throw error;
      }
      return {
        port,
        pids: [server.pid],
        startMs: performance.now() - startedAt,
        kill: () => server.kill(),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

/** Starts a process of a checkout, with the kinds of the bench. */
export function headwayChild(tree: Tree, directory: string, env: Record<string, string>): Child {
  return new Child(Deno.execPath(), {
    args: startArguments(tree),
    cwd: tree.root.pathname,
    env: {
      // One module, and so one task process: like one worker of a peer.
      HEADWAY_KINDS: copyKinds(directory),
      HEADWAY_SHIPPED_KINDS: "0",
      HEADWAY_DRAIN_MS: "0",
      // All streams of the load client have one address, which a limit would refuse.
      HEADWAY_MAX_STREAMS_PER_CLIENT: "0",
      ...env,
    },
  });
}

/**
 * Copies the kinds to a folder without a `deno.json`: they then get the configuration of the Headway
 * that loads them, and import `headway` from it.
 */
function copyKinds(directory: string): string {
  for (const name of KINDS) {
    Deno.copyFileSync(new URL(name, import.meta.url), `${directory}/${name}`);
  }
  return `${directory}/${KINDS[0]}`;
}

/** The arguments of `deno` in the command of the task `start`. */
function startArguments({ root }: Tree): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const [command, ...args] = tasks.start.command.split(" ");
  if (command !== "deno") throw new Error(`Cannot start Headway by '${tasks.start.command}'`);
  return args;
}
