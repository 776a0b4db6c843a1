/**
 * A checkout has no page until it is bundled. `deno task start` sees to that; for whoever starts the
 * program itself, as from a folder of their own, it is done here, once.
 *
 * @module
 */

import { pageProblem } from "../routes/static_file.ts";

/**
 * Builds the page if there is none, where this process may do what it likes.
 *
 * @param folder A checkout without a page; `null` where nothing has to be built.
 * @returns What to warn of: there is still none.
 */
export async function buildPage(folder: string | null): Promise<string[]> {
  if (folder === null) return [];
  // A program that `deno compile` made is no Deno that could build it.
  const may = Deno.permissions.querySync({ name: "run" }).state === "granted";
  if (may && !Deno.build.standalone) {
    // deno-lint-ignore no-console -- what a person reads at a terminal
    console.log(`Building the page, once for ${folder}`);
    const args = ["task", "-q", "--cwd", folder, "build"];
    const io = { stdin: "null", stdout: "null", stderr: "inherit" } as const;
    if ((await new Deno.Command(Deno.execPath(), { args, ...io }).output()).success) return [];
  }
  return [pageProblem(folder)];
}
