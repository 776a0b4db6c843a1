import { assert } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { startTaskProcess } from "../../../lib/runner/task_process.ts";

Deno.test("startTaskProcess() tells of a process that cannot be started as of one that ended", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const host = startTaskProcess({
    // More than the system takes.
    modules: ["x".repeat(16 * 1024 * 1024)],
    permissions: [],
    env: {},
    log: createLogger({ level: "off" }),
  }, { onmessage() {}, onexit: resolve });
  host.send({ type: "ack" });
  const status = await promise;
  assert(status.startsWith("it could not be started: "), status);
  await host.close();
});
