/**
 * A task that tries every way to reach a file that needs no program and no native code. The test
 * copies this module beside the store, into a folder that tasks may read.
 *
 * @module
 */

import fs from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { defineTask } from "headway";

/** A way to read a file. It resolves, possibly with what it read, unless it was refused. */
type Way = (path: string, folder: string) => unknown;

/** Ways that only need to read. */
const READS: Record<string, Way> = {
  "Deno.readTextFile": (path) => Deno.readTextFile(path),
  "Deno.open": async (path) => (await Deno.open(path)).close(),
  "Deno.stat": (path) => Deno.stat(path),
  "Deno.realPath": (path) => Deno.realPath(path),
  "a path with ..": (path) => Deno.readTextFile(path.replace(/\/([^/]+)$/, "/x/../$1")),
  "a path with //": (path) => Deno.readTextFile(path.replaceAll("/", "//")),
  "a relative path": (path) => Deno.readTextFile(`${"../".repeat(40)}${path.slice(1)}`),
  "a URL with escapes": (path) =>
    Deno.readTextFile(new URL(`file://${path.replace(/.$/, (end) => `%${hex(end)}`)}`)),
  "node:fs": (path) => fs.readFileSync(path),
  "node:fs openAsBlob": (path) => fs.openAsBlob(path),
  "node:sqlite": (path) => new DatabaseSync(path, { readOnly: true }).close(),
  "Deno.openKv": async (path) => (await Deno.openKv(path)).close(),
  "ATTACH": (path) => new DatabaseSync(":memory:").exec(`ATTACH '${path}' AS stolen`),
  "fetch": async (path) => await (await fetch(`file://${path}`)).text(),
  "import as text": (path) => import(`file://${path}`, { with: { type: "text" } }),
  "import in an import": (path) =>
    import(`data:text/javascript,import t from "file://${path}" with {type:"text"};`),
  "require": (path) => createRequire(import.meta.url)(path),
  "process.loadEnvFile": (path) => process.loadEnvFile(path),
  "a Worker": (path) =>
    inWorker(`postMessage(["got", Deno.readTextFileSync(${JSON.stringify(path)})])`),
  "/proc/self/root": (path) => Deno.readTextFile(`/proc/self/root${path}`),
  "/proc/<server>/root": (path) => Deno.readTextFile(`/proc/${Deno.ppid}/root${path}`),
  "/proc/<server>/fd": () => [...Deno.readDirSync(`/proc/${Deno.ppid}/fd`)],
  "/proc/<server>/environ": () => Deno.readTextFile(`/proc/${Deno.ppid}/environ`),
  "/proc/<server>/mem": () => Deno.open(`/proc/${Deno.ppid}/mem`),
  "/dev/fd": () => [...Deno.readDirSync("/dev/fd")],
};

/** Ways that first make something in a folder that tasks may write. */
const WRITES: Record<string, Way> = {
  "a symlink": (path, folder) => {
    Deno.symlinkSync(path, `${folder}/symlink`);
    return Deno.readTextFile(`${folder}/symlink`);
  },
  "a symlink of node:fs": (path, folder) => {
    fs.symlinkSync(path, `${folder}/symlink2`);
    return fs.readFileSync(`${folder}/symlink2`);
  },
  "a symlink to its folder": (path, folder) => {
    const [, parent, name] = /^(.*)\/(.*)$/.exec(path)!;
    Deno.symlinkSync(parent!, `${folder}/symlink3`);
    return Deno.readTextFile(`${folder}/symlink3/${name}`);
  },
  "a hard link": (path, folder) => {
    Deno.linkSync(path, `${folder}/hard`);
    return Deno.readTextFile(`${folder}/hard`);
  },
  "a hard link of node:fs": (path, folder) => fs.linkSync(path, `${folder}/hard2`),
  "Deno.copyFile": (path, folder) => Deno.copyFile(path, `${folder}/copy`),
  "node:fs cp": (path, folder) => fs.cpSync(path, `${folder}/copy2`),
  "Deno.rename": (path, folder) => Deno.rename(path, `${folder}/renamed`),
  "a module": async (path, folder) => {
    const module = `${folder}/${crypto.randomUUID()}.ts`;
    const text = `import t from "file://${path}" with {type:"text"}; export default t;`;
    await Deno.writeTextFile(module, text);
    return (await import(`file://${module}`)).default;
  },
  "Deno.writeTextFile": (path) => Deno.writeTextFile(path, "", { append: true }),
  "Deno.truncate": (path) => Deno.truncate(path, 1_000_000_000),
  "Deno.chmod": (path) => Deno.chmod(path, 0o777),
  "Deno.remove": (path) => Deno.remove(path),
};

function hex(character: string): string {
  return character.charCodeAt(0).toString(16);
}

async function inWorker(code: string): Promise<unknown> {
  const source = `try { ${code} } catch (error) { postMessage(["failed", error.message]) }`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  const { promise, resolve } = Promise.withResolvers<[string, string]>();
  worker.onmessage = ({ data }) => resolve(data);
  const [what, text] = await promise;
  worker.terminate();
  if (what === "failed") throw new Error(text);
  return text;
}

/** Tries each way with each path, and returns those that were not refused. */
export const thief = defineTask({
  kind: "thief",
  isolate: true,
  async *run({ input }) {
    const { paths, folder } = input as { paths: string[]; folder?: string };
    const found: string[] = [];
    const ways = { ...READS, ...(folder === undefined ? {} : WRITES) };
    for (const path of paths) {
      for (const [name, way] of Object.entries(ways)) {
        // A way that found no file was not refused, either.
        const got = await Promise.resolve().then(() => way(path, folder ?? ""))
          .catch((error: Error) => error);
        if (!refused(got)) found.push(`${path} by ${name}: ${got}`);
        yield { message: name };
      }
    }
    return found;
  },
});

function refused(got: unknown): boolean {
  return got instanceof Error && /Requires|max 0|NotCapable/.test(`${got.name} ${got.message}`);
}

/** Returns the names of the environment variables that it can see. */
export const looks = defineTask({
  kind: "looks",
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run() {
    return Object.keys(Deno.env.toObject());
  },
});
