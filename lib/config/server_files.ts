/**
 * The files that no task may reach: the store, which holds the secret that signs tokens, and the
 * operator's tokens and private key. And those that a task may read but not change: the server's code.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import { PROJECT } from "./project.ts";

/** Absolute paths: every known name of each file. */
export interface ServerFiles {
  /** Files that tasks may neither read nor write. */
  secret: string[];
  /** Files that tasks may read, but not write. */
  code: string[];
}

/** The folder that holds a store and nothing else. */
const STORE_FOLDER = ".headway";

/** The parts of the project that a server loads. */
const CODE = ["main.ts", "deno.json", "deno.lock", "embed", "lib", "routes", "static", "tools"];

/** The server's files, as they are when it starts. */
export async function serverFiles(
  config: Pick<Config, "kv" | "kinds" | "tokensFile" | "tlsKey">,
): Promise<ServerFiles> {
  const inProject = (names: readonly string[]) =>
    PROJECT === null ? [] : names.map((name) => join(PROJECT!, name));
  const secret = [resolve(STORE_FOLDER), ...inProject([STORE_FOLDER])];
  if (config.kv !== "" && config.kv !== ":memory:" && !/^https?:/.test(config.kv)) {
    secret.push(...await storeFiles(config.kv));
  }
  for (const path of [config.tokensFile, config.tlsKey]) if (path !== null) secret.push(path);
  const kinds = config.kinds.filter((url) => url.startsWith("file:")).map((url) =>
    fileURLToPath(url)
  );
  return {
    secret: await withRealNames(secret),
    code: await withRealNames([...inProject(CODE), ...kinds]),
  };
}

/** A store, the files that SQLite and Headway keep beside it, and older stores that were set aside. */
async function storeFiles(path: string): Promise<string[]> {
  const folder = dirname(path);
  if (basename(folder) === STORE_FOLDER) return [folder];
  const name = basename(path);
  const files = ["", "-wal", "-shm", "-journal", ".lock", ".part"].map((end) => path + end);
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.name.startsWith(`${name}.`) || entry.name.startsWith(`${name}-`)) {
        files.push(join(folder, entry.name));
      }
    }
  } catch {
    // The folder does not exist yet.
  }
  return files;
}

/** The paths, and the paths that they lead to through symlinks. */
async function withRealNames(paths: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const path of paths) {
    names.add(path);
    names.add(await realName(path));
  }
  return [...names];
}

/** A path with its symlinks resolved, as far as it exists. */
export async function realName(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realName(parent), basename(path));
  }
}
