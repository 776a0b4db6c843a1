/**
 * `deno task backup <file> [--from <store>]`: copies the SQLite file of a store, also while a
 * server uses it. The copy has everything that was committed when it began, and nothing else.
 *
 * @module
 */

import { backup, DatabaseSync } from "node:sqlite";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../lib/config/read_config.ts";
import { FileInUseError } from "../lib/kv/file_lock.ts";
import { openPrivate, STORE_FILES } from "../lib/kv/private_file.ts";
import { checkStoreFile, StoreOpenError } from "../lib/kv/store_file.ts";

/** Pages copied at once: all of them, or a busy store would make it begin again and again. */
const ALL_PAGES = 2 ** 31 - 1;

/** A copy cannot be made; the message says why. */
export class BackupError extends Error {
  override name = "BackupError";
}

/**
 * Copies a store. `to` appears when the copy is whole, checked and on the disk.
 *
 * @returns The bytes it takes.
 * @throws {BackupError} If it cannot be, or would take the place of a file.
 * @throws {StoreOpenError} If `from` is not a store.
 */
export async function backUp(from: string, to: string): Promise<number> {
  if (!await exists(from)) throw new BackupError(`There is no store at ${from}`);
  if (await exists(to)) throw new BackupError(`${to} already exists, and is left as it is`);
  const folder = dirname(resolve(to));
  if (!await exists(folder)) throw new BackupError(`There is no folder ${folder}: make it first`);
  await checkStoreFile(from);
  const part = `${to}.part`;
  await removeFile(part);
  try {
    (await openPrivate(part)).close();
    using source = new DatabaseSync(from, { readOnly: true });
    await backup(source, part, { rate: ALL_PAGES });
    await checkCopy(part, from);
    await syncFile(part);
    await Deno.rename(part, to);
  } catch (error) {
    await removeFile(part);
    throw error;
  }
  return (await Deno.stat(to)).size;
}

/**
 * Reads all of a copy that nobody uses.
 *
 * @param name What it is a copy of, or was made from: for the message.
 * @throws {BackupError} If it is not a store, or something in it is wrong.
 */
export async function checkCopy(path: string, name: string): Promise<void> {
  let found: unknown;
  try {
    await checkStoreFile(path);
    using database = new DatabaseSync(path);
    const [row] = database.prepare("PRAGMA integrity_check(1)").all();
    found = row && Object.values(row)[0];
  } catch (error) {
    found = ((error as Error).cause as Error ?? error).message;
  }
  if (found !== "ok") throw new BackupError(`${name} is damaged, or not a store: ${found}`);
}

/** Waits until a file is on the disk. */
export async function syncFile(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}

export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Removes a file of a database and what SQLite puts beside it, where there are any. */
export async function removeFile(path: string): Promise<void> {
  for (const end of STORE_FILES) await Deno.remove(path + end).catch(() => {});
}

/** The SQLite file of the settings, for commands. */
export function configuredStore(): string {
  const { kv } = readConfig((name) => Deno.env.get(name));
  if (/^https?:/.test(kv)) {
    throw new BackupError(
      `HEADWAY_KV is a server: run this where its SQLite file is, and name that with --from or --to`,
    );
  }
  return kv;
}

/** Says why a command failed, in one sentence where that is known. Returns its exit code. */
export function failed(error: unknown): number {
  const sentence = sentenceOf(error);
  // deno-lint-ignore no-console -- what a person reads at a terminal
  console.error(sentence === null ? error : `headway: ${sentence}`);
  return 1;
}

function sentenceOf(error: unknown): string | null {
  if (error instanceof FileInUseError) return "A Headway is using this store: stop it first";
  const known = error instanceof BackupError || error instanceof StoreOpenError ||
    (error instanceof Error && "code" in error);
  return known ? error.message : null;
}

/** @returns Its exit code. */
export async function backupCommand(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { from: { type: "string" } },
    });
    const [to] = positionals;
    if (to === undefined) throw new BackupError("Name the file to write: backup <file>");
    const from = values.from ?? configuredStore();
    const size = await backUp(from, to);
    // deno-lint-ignore no-console -- what a person reads at a terminal
    console.log(`${to} holds ${from} as it was: ${size} bytes, checked`);
    return 0;
  } catch (error) {
    return failed(error);
  }
}

if (import.meta.main) Deno.exit(await backupCommand(Deno.args));
