import { answering, Child, freePort } from "./child.ts";
import type { Running, StartOptions, System } from "./system.ts";

/** A checkout of Headway. */
export interface Tree {
  /** What the tables call it. */
  name: string;
  /** Its root; ends with a slash. */
  root: URL;
}

/** This one. */
export const HERE: Tree = { name: "Headway", root: new URL("../../", import.meta.url) };

/** The name of the other checkout, of `--against`. */
export const BEFORE = "before";

/** What the kinds of the bench consist of. */
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

/** A process of it, with the kinds of the bench. */
export function headwayChild(tree: Tree, directory: string, env: Record<string, string>): Child {
  return new Child(Deno.execPath(), {
    args: startArguments(tree),
    cwd: tree.root.pathname,
    env: {
      // One module, and so one task process, as a worker of the others.
      HEADWAY_KINDS: copyKinds(directory),
      HEADWAY_SHIPPED_KINDS: "0",
      HEADWAY_DRAIN_MS: "0",
      // All streams of the load client come from one address.
      HEADWAY_MAX_STREAMS_PER_CLIENT: "0",
      ...env,
    },
  });
}

/**
 * Puts the kinds where no `deno.json` is near: then the configuration of the Headway that loads them
 * is theirs, and `headway` in them is that Headway's.
 */
function copyKinds(directory: string): string {
  for (const name of KINDS) {
    Deno.copyFileSync(new URL(name, import.meta.url), `${directory}/${name}`);
  }
  return `${directory}/${KINDS[0]}`;
}

/** What follows `deno` in the command of the task `start`. */
function startArguments({ root }: Tree): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  const [command, ...args] = tasks.start.command.split(" ");
  if (command !== "deno") throw new Error(`Cannot start Headway by '${tasks.start.command}'`);
  return args;
}
