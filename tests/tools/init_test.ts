import { assertEquals, assertStringIncludes } from "@std/assert";
import { finished, post, submit } from "../helpers/api.ts";
import { startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { init } from "../../tools/init.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** The texts of the files in a folder, by name. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    files[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  return files;
}

Deno.test("init() overwrites no file, and says what to add to an existing deno.json", async () => {
  await using folder = await tempDir();
  await init(folder.path);
  const { "deno.json": config, "tasks.ts": tasks } = await filesOf(folder.path);
  const { tasks: _, ...needed } = JSON.parse(config!);
  for (const own of ["deno.json", "deno.jsonc"]) {
    await using other = await tempDir();
    await Deno.writeTextFile(`${other.path}/${own}`, "{}");
    const [told] = await init(other.path);
    assertEquals(
      told,
      `${own} already exists: add to it what is in ${JSON.stringify(needed)}`,
    );
    assertEquals(await filesOf(other.path), { [own]: "{}", "tasks.ts": tasks! });
    await Deno.writeTextFile(`${other.path}/tasks.ts`, "mine");
    await init(other.path);
    assertEquals(await filesOf(other.path), { [own]: "{}", "tasks.ts": "mine" });
  }
});

Deno.test("main.ts runs the kinds of single files, with and without a deno.json beside them", async () => {
  await using folder = await tempDir();
  const cwd = folder.path;
  const deno = async (args: string[], env: Record<string, string> = {}) => {
    const command = new Deno.Command(Deno.execPath(), { args, cwd, env, stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    const [out = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, said);
    return out.trim();
  };
  await Deno.writeTextFile(
    `${cwd}/alone.ts`,
    `import { defineTask, progress } from "headway";
    import { z } from "zod";
    export default defineTask({
      kind: "alone",
      input: z.object({ to: z.int().default(2) }),
      async *run({ input: { to } }) {
        yield progress({ done: to, total: to });
        return "done";
      },
    });`,
  );
  await Deno.mkdir(`${cwd}/project`);
  await init(`${cwd}/project`);
  await deno(["check", "-q", "--config=project/deno.json", "project/tasks.ts"]);
  await using server = await startServer({
    cwd,
    args: ["run", "-A", MAIN, "--kinds", "./alone.ts", "--kinds=project/tasks.ts", "--port", "0"],
    kinds: "./flags_go_first.ts",
    kv: `${cwd}/kv.db`,
  });
  const { task_id } = await submit(server.url, "alone", {});
  assertEquals((await finished(server.url, task_id)).result, "done");
  const page = await fetch(`${server.url}/`);
  assertStringIncludes(await page.text(), "static/app.js");
  // As the README submits the first task: with no input.
  const first = await post(`${server.url}/tasks`, { kind: "count" });
  assertEquals(first.status, 201, await first.text());
  // The other commands of the program.
  const env = { HEADWAY_URL: server.url, HEADWAY_KV: server.kv };
  const run = ["run", "-A", MAIN, "run", "count", "--input", '{"to":2}', "--quiet"];
  assertEquals(await deno(run, env), '{\n  "counted": 2\n}');
  assertStringIncludes(await deno(["run", "-A", MAIN, "backup", "copy.db"], env), "checked");
});
