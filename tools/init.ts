/**
 * `main.ts init`: writes the first files of a project with its own tasks.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { join } from "node:path";
import denoJson from "../deno.json" with { type: "json" };
import { PROGRAM } from "../lib/config/kinds_modules.ts";
import { PROJECT } from "../lib/config/project.ts";

/** A first task: it shows progress, logs, and goes on from its checkpoint after a crash. */
const TASKS = `import { defineTask, log, pause, progress, save } from "headway";
import { z } from "zod";

export const count = defineTask({
  kind: "count",
  description: "Counts, and resumes where it was after a crash",
  input: z.object({ to: z.int().min(1).max(10_000).default(100) }).prefault({}),
  async *run({ input, checkpoint, signal }) {
    for (let done: number = checkpoint?.done ?? 0; done < input.to;) {
      await pause(100, signal); // the work
      yield progress({ done: ++done, total: input.to, unit: "numbers" });
      if (done % 10 === 0) {
        yield log(\`counted \${done}\`);
        yield save({ done });
      }
    }
    return { counted: input.to };
  },
});
`;

/** What a project needs to have tasks of its own: the package, which a checkout stands in for. */
const NEEDED = {
  ...(PROJECT === null
    ? {}
    : { links: [".", ...denoJson.links].map((folder) => join(PROJECT!, folder)) }),
  imports: {
    "headway": `jsr:${denoJson.name}@^${denoJson.version}`,
    "zod": denoJson.imports.zod,
  },
  // For Deno KV, which holds the tasks.
  unstable: ["kv"],
};

const START = `deno run -A ${quoted(PROGRAM)} --kinds ./tasks.ts`;

/** A word of a shell's line. */
function quoted(word: string): string {
  return /^[\w./:@^-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Writes the files that are not there yet into a folder. Returns what to tell about it. */
export async function init(folder: string): Promise<string[]> {
  const jsonc = await Deno.lstat(`${folder}/deno.jsonc`).then(() => true, () => false);
  const config = `${JSON.stringify({ ...NEEDED, tasks: { start: START } }, null, 2)}\n`;
  const configured = !jsonc && await writeNew(`${folder}/deno.json`, config);
  const written = await writeNew(`${folder}/tasks.ts`, TASKS);
  const told: string[] = [];
  const name = jsonc ? "deno.jsonc" : "deno.json";
  told.push(
    configured
      ? `${name} is new`
      : `${name} already exists: add to it what is in ${JSON.stringify(NEEDED)}`,
  );
  told.push(
    written
      ? "tasks.ts is new: it has a first task"
      : "tasks.ts already exists, and is left as it is",
  );
  told.push(`Start it: ${configured ? "deno task start" : START}`);
  return told;
}

/** Writes a file if there is none; whether it did. */
async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** @returns Its exit code. */
export async function initCommand(args: string[]): Promise<number> {
  try {
    parseArgs({ args, options: {} });
    // deno-lint-ignore no-console -- what a person reads at a terminal
    for (const line of await init(Deno.cwd())) console.log(line);
    return 0;
  } catch (error) {
    // deno-lint-ignore no-console -- what a person reads at a terminal
    console.error(`headway: ${(error as Error).message}`);
    return 1;
  }
}
