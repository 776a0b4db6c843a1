import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { finished, getTask, submit } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";
import { readTasksArguments } from "../../tools/tasks/arguments.ts";
import { tasks } from "../../tools/tasks.ts";

const nothing = () => undefined;

/** Runs the command, with `answer` to its question, or `null` if there is nobody to ask. */
async function run(url: string, answer: boolean | null, ...args: string[]) {
  const printed = { out: [] as string[], err: [] as string[] };
  const asked: string[] = [];
  const code = await tasks(args, (name) => name === "HEADWAY_URL" ? url : undefined, {
    print: (line, to = "out") => printed[to].push(line),
    ask: answer === null ? null : (question) => {
      asked.push(question);
      return answer;
    },
  });
  return { code, out: printed.out.join("\n"), err: printed.err.join("\n"), asked };
}

Deno.test("tasks() says how many tasks match, asks, and changes only those", async () => {
  await using app = await testApp();
  const { url } = app;
  const failed: string[] = [];
  for (let n = 0; n < 2; n++) {
    const { task_id } = await submit(url, "throws", { message: "x" }, { tags: ["t"] });
    failed.push((await finished(url, task_id)).task_id);
  }
  const done = await submit(url, "echo", 1, { tags: ["t"] });
  await finished(url, done.task_id);
  const other = await submit(url, "throws", { message: "x" });
  await finished(url, other.task_id);

  const dry = await run(url, null, "delete", "--tag", "t", "--status", "failed", "--dry-run");
  assertEquals([dry.code, dry.out], [0, "Would delete 2 tasks."]);
  const no = await run(url, false, "retry", "--tag", "t");
  assertEquals(no.asked, ["Retry 2 tasks? Left alone: 1 completed."]);
  assertEquals([no.code, no.err], [3, "Nothing was done"]);
  assertEquals((await getTask(url, failed[0]!)).status, "failed");

  const yes = await run(url, true, "delete", "--status", "failed,canceled", "--kind", "throws");
  assertEquals([yes.code, yes.out], [0, "Deleted 3 tasks."]);
  const json = await run(url, null, "delete", "--all", "--yes", "--json");
  assertEquals(JSON.parse(json.out), {
    ...{ action: "delete", count: 1, done: 1, failed: 0, refused: {} },
  });
  const none = await run(url, null, "cancel", "--all", "--yes");
  assertEquals([none.code, none.out], [0, "There is nothing to cancel."]);
});

Deno.test("tasks() says what is wrong, returns an exit code, and does nothing if nobody can confirm", async () => {
  await using app = await testApp();
  const { task_id } = await submit(app.url, "echo", 1, { delay_ms: 3_600_000 });
  for (
    const [args, says] of [
      [[], "Which action"],
      [["remove", "--all"], "cancel, retry or delete"],
      [["cancel"], "Which tasks?"],
      [["cancel", "--all", "--kind", "echo"], "--all cannot be combined"],
      [["cancel", task_id], "is too many"],
      [["cancel", "--all"], "give --yes"],
      [["cancel", "--all", "--yes", "--dry-run"], "exclude each other"],
      [["cancel", "--status", "done", "--yes"], "must be a list of pending"],
      [["cancel", "--before", "noon", "--yes"], "created_before"],
      [["cancel", "--before", "7x", "--yes"], "--before must be a time such as 30s"],
      [["cancel", "--what"], "--what"],
    ] as const
  ) {
    const { code, err } = await run(app.url, null, ...args);
    assertEquals([code, err.includes(says)], [2, true], err);
  }
  assertEquals((await getTask(app.url, task_id)).status, "pending");
  assertEquals((await run("http://127.0.0.1:9", null, "cancel", "--all", "--yes")).code, 4);
});

Deno.test("tasks() says how many tasks cannot be changed though their state allows it", async () => {
  await using app = await testApp();
  const parts = [{ kind: "throws", input: { message: "x" } }];
  const parent = await submit(app.url, "parent", { parts, onFailure: "continue" });
  await finished(app.url, parent.task_id);
  const { code, out, err, asked } = await run(app.url, true, "retry", "--parent", parent.task_id);
  // The count already leaves the task out, so there is nothing to confirm.
  assertEquals([code, err, asked], [0, "", []]);
  assertStringIncludes(out, "There is nothing to retry. Left alone: 1 failed.");
});

Deno.test("readTasksArguments() takes lists with commas or repeated flags, and times as how long ago", () => {
  const now = Date.parse("2026-11-27T12:00:00Z");
  const args = ["cancel", "--status", "pending,waiting", "--status", "running", "--kind", "a,b"];
  const read = readTasksArguments([...args, "--before", "1.5h", "--after", "7d"], nothing, now);
  assert(read);
  assertEquals(read.filter, {
    status: ["pending", "waiting", "running"],
    kind: ["a", "b"],
    created_before: "2026-11-27T10:30:00.000Z",
    created_after: "2026-11-20T12:00:00.000Z",
  });
  assertThrows(() => readTasksArguments(["cancel", "--after", "9q"], nothing, now));
});
