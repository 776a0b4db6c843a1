import { answering, freePort, missing } from "../child.ts";
import type { StartOptions, System } from "../system.ts";
import { startGroup } from "./group.ts";
import { type Fsync, install, REDIS_NEEDS, redisArguments } from "./redis.ts";

const here = (file: string) => new URL(file, import.meta.url).pathname;

/**
 * Rows in Redis Streams, one stream a task: a worker adds them with `XADD`; for each client the web
 * process follows a stream with `XREAD BLOCK`, and writes it as SSE with `node:http`.
 */
function redisStreamsWith(name: string, fsync: Fsync): System {
  return {
    name,
    lacks: () => missing(REDIS_NEEDS),
    async start({ directory, port = freePort() }: StartOptions) {
      const redisPort = freePort();
      const env = {
        PORT: String(port),
        REDIS_PORT: String(redisPort),
        MODULES: await install(),
      };
      return await startGroup(port, async (add) => {
        add("redis-server", { args: redisArguments(redisPort, directory, fsync) });
        add("node", { args: [here("redis_streams_worker.mjs")], env });
        const web = add("node", { args: [here("redis_streams_web.mjs")], env });
        await answering(web, port, "/healthz");
      });
    },
  };
}

/** Flushed every second: a power cut may take back a row that was shown. */
export const redisStreams: System = redisStreamsWith("Redis Streams", "everysec");

/** Flushed before it is shown, as Headway's rows are. */
export const redisStreamsAlways: System = redisStreamsWith("Redis Streams, always", "always");
