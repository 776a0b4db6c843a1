import { assertEquals, assertStringIncludes } from "@std/assert";
import { childrenOf } from "./helpers/processes.ts";
import { unbuiltFolder } from "../routes/static_file.ts";
import { startServer } from "./helpers/server.ts";
import "./helpers/built.ts";

Deno.test("unbuiltFolder() returns the folder of a checkout without a built page, and null for a package", async () => {
  assertEquals(await unbuiltFolder(), null);
  assertEquals(await unbuiltFolder(new URL("https://jsr.example/static/")), null);
  assertEquals(await unbuiltFolder(new URL("file:///no/where/static/")), "/no/where/");
});

Deno.test("main.ts accepts a setting by its old name, with one warning in the log", async () => {
  await using server = await startServer({ env: { HEADWAY_WORKERS: "0" } });
  assertEquals(await childrenOf(server.process.pid), []);
  await server.kill("SIGINT");
  assertEquals(server.stderr.length, 1, server.stderr.join("\n"));
  assertStringIncludes(server.stderr[0]!, "HEADWAY_WORKERS is now called HEADWAY_TASK_PROCESSES");
});

Deno.test("main.ts uses the new name of a setting if both names are set, and says so in the log", async () => {
  const env = { HEADWAY_WORKERS: "3", HEADWAY_TASK_PROCESSES: "0" };
  await using server = await startServer({ env });
  assertEquals(await childrenOf(server.process.pid), []);
  await server.kill("SIGINT");
  assertEquals(server.stderr.length, 1, server.stderr.join("\n"));
  assertStringIncludes(server.stderr[0]!, "HEADWAY_WORKERS is ignored");
});
