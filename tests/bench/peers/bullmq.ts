import { answering, freePort, missing } from "../child.ts";
import type { StartOptions, System } from "../system.ts";
import { startGroup } from "./group.ts";
import { type Fsync, install, REDIS_NEEDS, redisArguments } from "./redis.ts";

const here = (file: string) => new URL(file, import.meta.url).pathname;

/**
 * BullMQ on a redis-server with an append-only file, its `QueueEvents` fanned out over SSE by
 * `node:http`. Three processes, as its users run it: Redis, web, worker.
 */
function bullmqWith(name: string, fsync: Fsync): System {
  return {
    name,
    lacks: () => missing(REDIS_NEEDS),
    async start({ concurrency, directory, port = freePort() }: StartOptions) {
      const redisPort = freePort();
      const env = {
        PORT: String(port),
        REDIS_PORT: String(redisPort),
        MODULES: await install(),
        CONCURRENCY: String(concurrency),
      };
      return await startGroup(port, async (add) => {
        add("redis-server", { args: redisArguments(redisPort, directory, fsync) });
        add("node", { args: [here("bullmq_worker.mjs")], env });
        await answering(add("node", { args: [here("bullmq_web.mjs")], env }), port, "/healthz");
      });
    },
  };
}

/** Flushed every second, as it is usually run. */
export const bullmq: System = bullmqWith("BullMQ", "everysec");

/** Flushed before a write is answered, as Headway promises for rows and results. */
export const bullmqAlways: System = bullmqWith("BullMQ, always", "always");
