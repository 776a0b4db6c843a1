/**
 * Makes files and folders that only their owner can read, whatever the umask is: the store holds
 * all data as plain text, and the secret that signs tokens.
 *
 * @module
 */

import { dirname } from "node:path";

/** What SQLite keeps beside a database, and the database itself. */
export const STORE_FILES: readonly string[] = ["", "-wal", "-shm", "-journal"];

/** Windows has no such modes. */
const HAS_MODES = Deno.build.os !== "windows";

/** Makes a folder and those above it that are missing. One that is there stays as it is. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && (await Deno.stat(path)).isDirectory) return;
    if (!(error instanceof Deno.errors.NotFound) || dirname(path) === path) throw error;
    await makePrivateFolder(dirname(path));
    return await makePrivateFolder(path);
  }
  await restrict(path, () => 0o700).catch(ignore);
}

/** Opens a file to write into it, and makes it if it is missing. What is in it stays. */
export async function openPrivate(path: string): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
  await restrict(path, () => 0o600).catch(ignore);
  return file;
}

/**
 * Takes away the rights of all but the owner to a database and the files beside it.
 *
 * @returns The files that others can still use, as this process may not change their modes.
 */
export async function tighten(path: string): Promise<string[]> {
  const real = await Deno.realPath(path).catch(() => path);
  const loose: string[] = [];
  for (const end of STORE_FILES) {
    try {
      await restrict(real + end, (mode) => mode & 0o700);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) loose.push(real + end);
    }
  }
  return loose;
}

/** A file system may have no modes, which cannot be helped: {@link tighten} reports such files. */
function ignore(): void {}

async function restrict(path: string, to: (mode: number) => number): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (!HAS_MODES || mode === null) return;
  const right = to(mode & 0o777);
  if ((mode & 0o777) !== right) await Deno.chmod(path, right);
}
