import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { finished, post } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";
import { schedules } from "../../tools/schedules.ts";

/** Runs the command, and returns what it printed and its exit code. */
async function run(url: string, ...args: string[]) {
  const printed = { out: [] as string[], err: [] as string[] };
  const code = await schedules(args, (name) => name === "HEADWAY_URL" ? url : undefined, (
    line,
    to = "out",
  ) => printed[to].push(line));
  return { code, out: printed.out.join("\n"), err: printed.err.join("\n") };
}

Deno.test("schedules() lists, pauses, resumes and runs schedules", async () => {
  await using app = await testApp();
  const { url } = app;
  assertEquals(await run(url), { code: 0, out: "", err: "There are no schedules" });
  const body = { schedule_id: "new-year", kind: "echo", cron: "0 0 1 1 *", zone: "Asia/Tokyo" };
  await (await post(`${url}/schedules`, body)).body?.cancel();
  const { out } = await run(url);
  assertMatch(out, /^new-year {2}0 0 1 1 \* Asia\/Tokyo {2}echo\n {2}next 20\d\d-12-31T15:00:00/);
  assertEquals((await run(url, "pause", "new-year", "no", "paper")).code, 0);
  assertStringIncludes((await run(url)).out, "\n  paused: no paper");
  assertEquals((await run(url, "resume", "new-year")).code, 0);
  const { out: id } = await run(url, "run", "new-year");
  await finished(url, id);
  const [listed] = JSON.parse((await run(url, "--json")).out);
  assertEquals([listed.paused, listed.outcomes[0].task_id], [null, id]);
  assertMatch((await run(url)).out, / by hand completed$/);
});

Deno.test("schedules() says what is wrong, and returns an exit code for it", async () => {
  await using app = await testApp();
  for (
    const [args, code, says] of [
      [["stop"], 2, "use list, pause, resume or run"],
      [["pause"], 2, "Which schedule"],
      [["run", "a", "b"], 2, "too many"],
      [["run", "none"], 2, "There is no schedule 'none'"],
      [["--what"], 2, "--what"],
    ] as const
  ) {
    const { code: exit, err } = await run(app.url, ...args);
    assertEquals(exit, code, err);
    assertStringIncludes(err, says);
  }
  assertEquals((await run("http://127.0.0.1:9", "list")).code, 4);
});
