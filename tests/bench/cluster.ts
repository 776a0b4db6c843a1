import { DENOKV } from "../helpers/denokv.ts";
import { allFinished } from "./scenarios/common.ts";
import { answering, Child, freePort } from "./child.ts";
import { headwayChild, HERE, type Tree } from "./headway.ts";
import type { Running, StartOptions, System } from "./system.ts";

const TOKEN = "a-token-for-the-bench";

/**
 * Headway as several processes: a `denokv`, a `web` process that takes all requests, and `workers`
 * that run the tasks.
 */
function cluster(tree: Tree, workers: number): System {
  const name = `${workers} worker${workers > 1 ? "s" : ""}`;
  return {
    name: tree === HERE ? name : `${name}, ${tree.name}`,
    lacks: () => Promise.resolve(DENOKV === null ? "denokv (deno task denokv)" : undefined),
    async start({ concurrency, directory, port = freePort() }: StartOptions): Promise<Running> {
      const startedAt = performance.now();
      const kvPort = freePort();
      const children = [
        new Child(DENOKV!, {
          args: ["--sqlite-path", `${directory}/kv.db`, "serve", "--addr", `127.0.0.1:${kvPort}`],
          env: { DENO_KV_ACCESS_TOKEN: TOKEN },
        }),
      ];
      const stop = () => Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
      const env = { HEADWAY_KV: `http://127.0.0.1:${kvPort}`, DENO_KV_ACCESS_TOKEN: TOKEN };
      const add = (role: string, more: Record<string, string>) => {
        const child = headwayChild(tree, directory, { ...env, HEADWAY_ROLE: role, ...more });
        children.push(child);
        return child;
      };
      try {
        await listening(kvPort);
        const web = add("web", { HEADWAY_PORT: String(port) });
        await answering(web, port, "/tasks?limit=1");
        const each = String(Math.ceil(concurrency / workers));
        for (let n = 0; n < workers; n++) add("worker", { HEADWAY_CONCURRENCY: each });
        await ready(port, workers);
      } catch (error) {
        await stop();
        throw error;
      }
      return {
        port,
        pids: children.map(({ pid }) => pid),
        startMs: performance.now() - startedAt,
        kill: async () => void await Promise.all(children.map((child) => child.kill())),
        // Headway's processes end before the store that they write to.
        [Symbol.asyncDispose]: async () => {
          await Promise.all(children.slice(1).map((child) => child[Symbol.asyncDispose]()));
          await children[0]![Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** Clusters with one, two and three workers. */
export function clusters(tree: Tree): System[] {
  return [1, 2, 3].map((workers) => cluster(tree, workers));
}

async function listening(port: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (true) {
    try {
      using _ = await Deno.connect({ hostname: "127.0.0.1", port });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until every worker runs a task: they then know of each other, and share the tasks. */
async function ready(port: number, workers: number): Promise<void> {
  const base = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 60_000;
  for (const seen = new Set<number>(); seen.size < workers;) {
    if (performance.now() > deadline) throw new Error(`Only ${seen.size} of ${workers} run tasks`);
    const tasks = await Promise.all(Array.from({ length: 12 }, async () => {
      const input = { hz: 10, ticks: 2, start: Date.now() };
      const body = JSON.stringify({ kind: "bench-ticker", input });
      return await (await fetch(`${base}/tasks`, { method: "POST", body })).json();
    }));
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const { task_id } of tasks) {
      const { worker } = await (await fetch(`${base}/tasks/${task_id}/details`)).json();
      if (worker) seen.add(worker.pid);
    }
  }
  // None of these tasks may be left when the measurement starts.
  await allFinished(port);
}
