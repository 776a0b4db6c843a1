import { assert, assertEquals } from "@std/assert";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { startServer } from "../helpers/server.ts";
import { STRAYS } from "./strays.ts";

const STRAY_KINDS = new URL("./stray_module.ts", import.meta.url).href;

Deno.test("a server without task processes survives uncaught errors, and fails the tasks that made them", async () => {
  await using server = await startServer({
    kinds: STRAY_KINDS,
    env: { HEADWAY_TASK_PROCESSES: "0", HEADWAY_LOG: "info" },
  });
  const { url } = server;
  const good = await submit(url, "demo", { steps: 1, interval_ms: 100_000 });
  await taskWhen(url, good.task_id, ({ status }) => status === "running");
  const tasks = await Promise.all(
    Object.keys(STRAYS).map(async (way) => ({ way, ...await submit(url, "strays", way) })),
  );
  for (const { way, task_id } of tasks) {
    const { status, attempt, error } = await finished(url, task_id);
    assertEquals([status, attempt, error?.name, error?.message], [
      "failed",
      1,
      "RangeError",
      "stray",
    ], way);
  }
  const { task_id } = await submit(url, "quits");
  assertEquals((await finished(url, task_id)).error?.name, "ExitError");
  const { status, attempt } = await taskWhen(url, good.task_id, () => true);
  assertEquals([status, attempt], ["running", 1]);
  const records = server.stderr.filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line)
  );
  const told = records.filter(({ message }) => message === "an error that nobody caught");
  assertEquals(told.map(({ level, module }) => [level, module]), [
    ["error", STRAY_KINDS],
    ["error", STRAY_KINDS],
  ]);
  for (const text of ["a rejection of the module", "unheard by the module"]) {
    assert(told.some(({ error }) => error.includes(text)), text);
  }
});
