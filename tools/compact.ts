/**
 * `deno task compact [<store>]`: gives the unused pages of a store's file back to the disk, while
 * no server uses it. From then on the file shrinks by itself. Deno allows SQLite's `VACUUM` only to
 * programs with all permissions.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { lockFile } from "../lib/kv/file_lock.ts";
import { checkStoreFile, storeFault } from "../lib/kv/store_file.ts";
import { BackupError, configuredStore, exists, failed } from "./backup.ts";

/**
 * Rewrites a store's file without free pages. It takes as much room again while it does, and a
 * store that is cut short in it is as it was.
 *
 * @returns The bytes it took, and takes.
 * @throws {FileInUseError} If a server uses it.
 */
export async function compact(path: string): Promise<{ before: number; after: number }> {
  if (!await exists(path)) throw new BackupError(`There is no store at ${path}`);
  using _lock = await lockFile(path);
  await checkStoreFile(path);
  const before = (await Deno.stat(path)).size;
  try {
    using database = new DatabaseSync(path);
    database.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    throw await storeFault(path, error);
  }
  return { before, after: (await Deno.stat(path)).size };
}

/** @returns Its exit code. */
export async function compactCommand(args: string[]): Promise<number> {
  try {
    const { positionals } = parseArgs({ args, allowPositionals: true });
    const path = positionals[0] ?? configuredStore();
    const { before, after } = await compact(path);
    // deno-lint-ignore no-console -- what a person reads at a terminal
    console.log(`${path} took ${before} bytes and now takes ${after}`);
    return 0;
  } catch (error) {
    return failed(error);
  }
}

if (import.meta.main) Deno.exit(await compactCommand(Deno.args));
