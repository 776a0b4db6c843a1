import { assertEquals, assertStringIncludes } from "@std/assert";
import { childrenOf } from "./helpers/processes.ts";
import { pageProblem } from "../routes/static_file.ts";
import { startServer } from "./helpers/server.ts";
import "./helpers/built.ts";

Deno.test("pageProblem() names the command that builds a page that is not there", async () => {
  assertEquals(await pageProblem(), []);
  const told = "the page is not built: run 'deno task --cwd /no/where/ build'";
  assertEquals(await pageProblem(new URL("file:///no/where/static/")), [told]);
});

Deno.test("main.ts takes a setting by its old name, with one warning in the log", async () => {
  await using server = await startServer({ env: { HEADWAY_WORKERS: "0" } });
  assertEquals(await childrenOf(server.process.pid), []);
  await server.kill("SIGINT");
  assertEquals(server.stderr.length, 1, server.stderr.join("\n"));
  assertStringIncludes(server.stderr[0]!, "HEADWAY_WORKERS is now called HEADWAY_TASK_PROCESSES");
});

Deno.test("main.ts takes the new name of a setting where both are set, and says so", async () => {
  const env = { HEADWAY_WORKERS: "3", HEADWAY_TASK_PROCESSES: "0" };
  await using server = await startServer({ env });
  assertEquals(await childrenOf(server.process.pid), []);
  await server.kill("SIGINT");
  assertEquals(server.stderr.length, 1, server.stderr.join("\n"));
  assertStringIncludes(server.stderr[0]!, "HEADWAY_WORKERS is ignored");
});
