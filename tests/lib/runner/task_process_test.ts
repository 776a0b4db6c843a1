import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { taskEnvironment } from "../../../lib/child/task_environment.ts";
import { startTaskProcess } from "../../../lib/runner/task_process.ts";

Deno.test("startTaskProcess() tells of a process that cannot be started as of one that ended", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const host = startTaskProcess({
    // More than the system takes.
    modules: ["x".repeat(16 * 1024 * 1024)],
    permissions: [],
    env: {},
    log: createLogger({ level: "off" }),
  }, { onmessage() {}, onprinted() {}, onexit: resolve });
  host.send({ type: "ack" });
  const status = await promise;
  assert(status.startsWith("it could not be started: "), status);
  await host.close();
});

/** How a task process ends that is given these modules, and what it prints meanwhile. */
async function ended(modules: string[]): Promise<{ status: string; printed: string }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const lines: string[] = [];
  startTaskProcess({
    modules,
    permissions: [],
    env: taskEnvironment(Deno.env.toObject()),
    log: createLogger({ level: "off" }),
  }, { onmessage() {}, onprinted: (line) => lines.push(line), onexit: resolve });
  return { status: await promise, printed: lines.join("\n") };
}

Deno.test("startTaskProcess() tells how a process ended whose modules cannot be loaded, and prints why", async () => {
  for (
    const [module, why] of [
      ["throw new Error('not like this')", "not like this"],
      ["export const nothing = 1", "exports no value of defineTask()"],
      ["Deno.exit(0)", "ExitError"],
      ["}", "Expression expected"],
    ] as const
  ) {
    const { status, printed } = await ended([`data:text/javascript,${encodeURIComponent(module)}`]);
    assertEquals(status, "exit code 1", printed);
    assertStringIncludes(printed, why);
  }
});
