import { assertEquals } from "@std/assert";
import { buildPage } from "../../embed/build_page.ts";
import { pageProblem } from "../../routes/static_file.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** A checkout whose page the command `build` builds. */
async function checkout(build: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await tempDir();
  const config = JSON.stringify({ tasks: { build } });
  await Deno.writeTextFile(`${folder.path}/deno.json`, config);
  return folder;
}

Deno.test("buildPage() builds a missing page, and returns a warning if that fails", async () => {
  assertEquals(await buildPage(null), []);
  await using works = await checkout("echo built > page");
  assertEquals(await buildPage(works.path), []);
  assertEquals(await Deno.readTextFile(`${works.path}/page`), "built\n");
  await using fails = await checkout("exit 1");
  assertEquals(await buildPage(fails.path), [pageProblem(fails.path)]);
});

Deno.test({
  name: "buildPage() starts nothing without permission to run any program",
  permissions: { run: ["deno"], read: true, write: true, env: true },
  async fn() {
    await using folder = await checkout("echo built > page");
    assertEquals(await buildPage(folder.path), [pageProblem(folder.path)]);
    const files = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
    assertEquals(files, ["deno.json"]);
  },
});
