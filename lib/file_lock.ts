/**
 * Keeps a second server off a SQLite file: two handles that write one file fight for it.
 *
 * @module
 */

import { dirname } from "node:path";

/** A SQLite file is in use by another server. */
export class FileInUseError extends Error {
  /** Tells it from other errors. */
  override name = "FileInUseError";
}

/**
 * Takes the lock beside a KV file, making its folder where needed. The system lets go of it when the
 * process ends, however that is.
 *
 * @throws {FileInUseError} If another process holds it.
 */
export async function lockFile(path: string): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(`${path}.lock`, { create: true, write: true });
  if (!await file.tryLock(true)) {
    file.close();
    throw new FileInUseError(
      `${path} is in use by another Headway: two on one SQLite file would fight for it. For several ` +
        "processes set HEADWAY_KV to the URL of a KV Connect server (denokv)",
    );
  }
  return file;
}
