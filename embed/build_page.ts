/**
 * Builds the page, which a checkout lacks until it is bundled. `deno task start` bundles it; where
 * the program itself is started, as from a folder of one's own, this does, once.
 *
 * @module
 */

import { pageProblem } from "../routes/static_file.ts";

/**
 * Builds the page of a checkout, if this process may run any program.
 *
 * @param folder The checkout without a page; `null` if nothing has to be built.
 * @returns Warnings: that there is still no page, or none.
 */
export async function buildPage(folder: string | null): Promise<string[]> {
  if (folder === null) return [];
  // A program that `deno compile` made cannot run `deno task`.
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
