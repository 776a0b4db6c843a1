/**
 * Keeps a second server off a SQLite file: two handles that write one file fight for it.
 *
 * @module
 */

import { dirname } from "node:path";
import { makePrivateFolder, openPrivate } from "./private_file.ts";
import { StoreOpenError } from "./store_file.ts";

/** A SQLite file is in use by another server. */
export class FileInUseError extends Error {
  override name = "FileInUseError";
}

/**
 * Takes the lock beside a KV file, making its folder if needed. The system releases it when the process
 * ends, in whatever way.
 *
 * @throws {FileInUseError} If another process holds it.
 * @throws {StoreOpenError} If the file cannot be made.
 */
export async function lockFile(path: string): Promise<Disposable> {
  const file = await openLock(path).catch((error) => {
    throw new StoreOpenError(path, error);
  });
  if (!await file.tryLock(true)) {
    file.close();
    throw new FileInUseError(
      `${path} is in use by another Headway: two on one SQLite file would fight for it. For several ` +
        "processes set HEADWAY_KV to the URL of a KV Connect server (denokv)",
    );
  }
  return file;
}

async function openLock(path: string): Promise<Deno.FsFile> {
  await makePrivateFolder(dirname(path));
  return await openPrivate(`${path}.lock`);
}
