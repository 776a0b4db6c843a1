import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { finished, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer } from "../helpers/server.ts";
import { NOISY_KINDS } from "./noisy.ts";

const OPTIONS = {
  kinds: NOISY_KINDS,
  env: { HEADWAY_LOG: "info", HEADWAY_TASK_PERMISSIONS: "--allow-run --allow-read --allow-net" },
};

/** Log records of what was printed. */
function printed(stderr: readonly string[]): { id?: string; line?: string; bytes?: number }[] {
  return stderr.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
    .filter(({ message }) => /printed by a task|a task printed/.test(message));
}

/** Ways to print whose lines get their task's id, and ways that bypass all that knows of tasks. */
const KNOWN = [
  ...["console.log", "console.error", "console.table", "console.count", "a timer"],
  ...["process.stdout", "process.stderr", "Deno.stdout", "Deno.stderr", "half a line"],
  ...["a stray timer", "a rejection"],
];
const UNKNOWN = ["node:fs", "a Worker", "a thread", "a program", "a reader"];

Deno.test("whatever a task prints becomes lines of the log, if possible with its id, and its stdin is empty", async () => {
  const env = { ...OPTIONS.env, HEADWAY_TASK_PROCESSES: "1" };
  await using server = await startServer({ ...OPTIONS, env });
  const tasks = await Promise.all([1, 2].map(() => submit(server.url, "prints-everywhere")));
  for (const { task_id } of tasks) {
    const { status, attempt, result } = await finished(server.url, task_id);
    assertEquals([status, attempt, result], ["completed", 1, { read: null }]);
  }
  await eventually(() => {
    const got = printed(server.stderr);
    for (const { task_id } of tasks) {
      const own = got.filter(({ id }) => id === task_id).map(({ line }) => line!);
      const missing = KNOWN.filter((way) => !own.some((line) => line.includes(`by ${way}`)));
      // The last line of stdout need not be the last in the log: stderr is read apart from it.
      assertEquals([missing, own.includes("at last")], [[], true]);
    }
    for (const way of UNKNOWN) {
      assertEquals(got.filter(({ line }) => line === `by ${way}`).length, 2, way);
    }
  });
});

Deno.test("a task that ends and closes stdout and stderr loses no line, of its own or of others", async () => {
  const env = { ...OPTIONS.env, HEADWAY_TASK_PROCESSES: "1" };
  await using server = await startServer({ ...OPTIONS, env });
  const run = async (kind: string) => {
    const { task_id } = await submit(server.url, kind);
    const { status, attempt, error } = await finished(server.url, task_id);
    assertEquals([status, attempt, error], ["completed", 1, null]);
    return task_id;
  };
  const closer = await run("closes-output");
  const other = await run("prints-everywhere");
  const linesOf = (task: string) =>
    printed(server.stderr).filter(({ id }) => id === task).map(({ line }) => line!);
  await eventually(() => {
    assertEquals(
      linesOf(closer),
      ["out", "err"].flatMap((name) => [
        `ended ${name}`,
        `${name} goes on`,
        `piped into ${name}`,
        `${name} goes on still`,
      ]).concat(
        ["out", "err"].flatMap((name) => [
          `piped into Deno.std${name}`,
          `Deno.std${name} goes on`,
        ]),
      ),
    );
    assertEquals(KNOWN.filter((way) => !linesOf(other).some((it) => it.includes(`by ${way}`))), []);
  });
});

Deno.test("frames that a task writes anywhere add no rows to other tasks, and end none of them", async () => {
  await using server = await startServer(OPTIONS);
  const victims = await Promise.all(
    Array.from({ length: 10 }, () => submit(server.url, "victim")),
  );
  for (const { task_id } of victims) {
    await taskWhen(server.url, task_id, ({ status }) => status === "running");
  }
  const forger = await submit(server.url, "forges");
  const { status, result } = await finished(server.url, forger.task_id);
  assertEquals([status, result], ["completed", null]);
  for (const { task_id } of victims) {
    const { status, result } = await finished(server.url, task_id);
    assertEquals([status, result], ["completed", "its own"]);
    const rows = await storedEvents(server.url, task_id);
    assertEquals(rows.filter(({ data }) => JSON.stringify(data).includes("forged")), []);
  }
});

Deno.test("a task process that sends garbage is killed, and its task continues from its checkpoint", async () => {
  await using server = await startServer(OPTIONS);
  const { task_id } = await submit(server.url, "garbles");
  const { status, result } = await finished(server.url, task_id);
  assertEquals([status, result], ["completed", "went on"]);
  assert(server.stderr.some((line) => line.includes("sent an invalid message")));
});

Deno.test("the log leaves out a flood of printed lines, and says how many bytes it left out", async () => {
  await using server = await startServer(OPTIONS);
  const { task_id } = await submit(server.url, "floods", { megabytes: 30 });
  assertEquals((await finished(server.url, task_id)).status, "completed");
  const lines = await eventually(() => {
    const lines = printed(server.stderr);
    // Each byte is in a line, or counted as left out.
    const told = lines.reduce((sum, { line, bytes }) => sum + (bytes ?? line!.length + 1), 0);
    assertGreaterOrEqual(told, 29 * 1024 * 1024);
    return lines;
  });
  assertLess(lines.length, 15_000);
});

Deno.test("a task process that died is replaced, even if a program that it started lives on", async () => {
  await using server = await startServer(OPTIONS);
  const { task_id } = await submit(server.url, "orphans");
  const { status, error } = await finished(server.url, task_id);
  assertEquals([status, error?.name], ["failed", "ProcessDied"]);
  const next = await submit(server.url, "victim");
  assertEquals((await finished(server.url, next.task_id)).status, "completed");
});
