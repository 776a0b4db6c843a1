/**
 * `deno task restore <file> [--to <store>]`: puts a copy in the place of a store that no server
 * uses. The store that was there is kept beside it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { lockFile } from "../lib/kv/file_lock.ts";
import { keys } from "../lib/kv/keys.ts";
import { openPrivate, tighten } from "../lib/kv/private_file.ts";
import {
  BackupError,
  checkCopy,
  configuredStore,
  exists,
  failed,
  removeFile,
  syncFile,
} from "./backup.ts";

/**
 * Puts a copy in the place of a store.
 *
 * @returns Where the store lies that was there; `null` when there was none.
 * @throws {FileInUseError} If a server uses it.
 * @throws {BackupError} If there is no such copy, or it is damaged.
 */
export async function restore(from: string, to: string): Promise<string | null> {
  if (!await exists(from)) throw new BackupError(`There is no copy at ${from}`);
  using _lock = await lockFile(to);
  const part = `${to}.part`;
  await removeFile(part);
  try {
    await copyPrivate(from, part);
    await checkCopy(part, from);
    await renewEpoch(part);
    await syncFile(part);
    const kept = await setAside(to);
    await Deno.rename(part, to);
    return kept;
  } catch (error) {
    await removeFile(part);
    throw error;
  }
}

/** Not with `Deno.copyFile`, which would give the copy the rights of what it copies. */
async function copyPrivate(from: string, to: string): Promise<void> {
  using source = await Deno.open(from, { read: true });
  const copy = await openPrivate(to);
  await source.readable.pipeTo(copy.writable);
}

/** A restored store is another one to whoever watched: what it will tell has not happened there. */
async function renewEpoch(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  await kv.atomic().delete(keys.epoch).set(keys.restored, Date.now()).commit();
}

async function setAside(path: string): Promise<string | null> {
  if (!await exists(path)) {
    await removeFile(path);
    return null;
  }
  const kept = `${path}.before-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
  // With its log, which may hold what the file does not yet.
  for (const end of ["-wal", ""]) {
    if (await exists(path + end)) await Deno.rename(path + end, kept + end);
  }
  await removeFile(path);
  await tighten(kept);
  return kept;
}

/** @returns Its exit code. */
export async function restoreCommand(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { to: { type: "string" } },
    });
    const [from] = positionals;
    if (from === undefined) throw new BackupError("Name the copy to restore: restore <file>");
    const to = values.to ?? configuredStore();
    const kept = await restore(from, to);
    // deno-lint-ignore no-console -- what a person reads at a terminal
    console.log(`${to} now holds ${from}${kept === null ? "" : `; the old store is ${kept}`}`);
    return 0;
  } catch (error) {
    return failed(error);
  }
}

if (import.meta.main) Deno.exit(await restoreCommand(Deno.args));
