import { answering, Child, freePort } from "../child.ts";
import type { Running, StartOptions, System } from "../system.ts";

/** Installed by npm when the bench runs: no dependency of the project. */
const PACKAGES = ["bullmq@6.7.0", "ioredis@5.11.1"];

const here = (file: string) => new URL(file, import.meta.url).pathname;

/**
 * The peer: BullMQ on redis-server with an append-only file flushed every second, its `QueueEvents`
 * fanned out over SSE by `node:http`. Three processes, as its users run it: Redis, web, worker.
 */
export const bullmq: System = {
  name: "BullMQ",
  async start({ concurrency, directory, port = freePort() }: StartOptions): Promise<Running> {
    const modules = await install();
    const startedAt = performance.now();
    const redisPort = freePort();
    const env = {
      PORT: String(port),
      REDIS_PORT: String(redisPort),
      MODULES: modules,
      CONCURRENCY: String(concurrency),
    };
    const children: Child[] = [];
    const stop = async (how: (child: Child) => Promise<void>) => {
      for (const child of children.toReversed()) await how(child);
    };
    try {
      children.push(
        new Child("redis-server", {
          args: redisArguments(redisPort, directory),
        }),
      );
      children.push(new Child("node", { args: [here("bullmq_worker.mjs")], env }));
      const web = new Child("node", { args: [here("bullmq_web.mjs")], env });
      children.push(web);
      await answering(web, port, "/healthz");
    } catch (error) {
      await stop((child) => child.kill());
      throw error;
    }
    return {
      port,
      pids: children.map(({ pid }) => pid),
      startMs: performance.now() - startedAt,
      kill: () => stop((child) => child.kill()),
      [Symbol.asyncDispose]: () => stop((child) => child[Symbol.asyncDispose]()),
    };
  },
};

function redisArguments(port: number, directory: string): string[] {
  const options = {
    port,
    bind: "127.0.0.1",
    dir: directory,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    maxclients: 1000,
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Where the packages are, installed on first use. */
async function install(): Promise<string> {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const directory = `${base}/headway-bench/${PACKAGES.join("+")}`;
  try {
    await Deno.stat(`${directory}/installed`);
  } catch {
    await Deno.mkdir(directory, { recursive: true });
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--silent", "--ignore-scripts", "--prefix", directory, ...PACKAGES],
    }).output();
    if (!success) {
      throw new Error(`Cannot install the peer: ${new TextDecoder().decode(stderr)}`);
    }
    await Deno.writeTextFile(`${directory}/installed`, "");
  }
  return directory;
}
