import { answering, Child, freePort } from "./child.ts";
import type { Running, StartOptions, System } from "./system.ts";

const ROOT = new URL("../../", import.meta.url);

/** Headway, started as `deno task start` does: the same command line, with its defaults. */
export const headway: System = {
  name: "Headway",
  async start({ concurrency, directory, port = freePort() }: StartOptions): Promise<Running> {
    const startedAt = performance.now();
    const server = headwayChild({
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

/** A process of it, with the kinds of the bench. */
export function headwayChild(env: Record<string, string>): Child {
  return new Child(Deno.execPath(), {
    args: startArguments(),
    cwd: ROOT.pathname,
    env: {
      // One module, and so one task process, as a worker of the others.
      HEADWAY_KINDS: new URL("tests/bench/kinds.ts", ROOT).pathname,
      HEADWAY_SHIPPED_KINDS: "0",
      HEADWAY_DRAIN_MS: "0",
      // All streams of the load client come from one address.
      HEADWAY_MAX_STREAMS_PER_CLIENT: "0",
      ...env,
    },
  });
}

/** What follows `deno` in the command of the task `start`. */
function startArguments(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const [command, ...args] = tasks.start.command.split(" ");
  if (command !== "deno") throw new Error(`Cannot start Headway by '${tasks.start.command}'`);
  return args;
}
