/**
 * Checks the file that is to be the store, and says in one sentence why it cannot be.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { diskOf } from "./disk.ts";
import { openPrivate, tighten } from "./private_file.ts";
import { walDamage } from "./wal.ts";

/** The store cannot be opened; the message says which and why. */
export class StoreOpenError extends Error {
  override name = "StoreOpenError";

  constructor(kv: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`The store ${kv} cannot be opened: ${why}`, { cause });
  }
}

/** Advice for a damaged store. */
const RESTORE = "Restore it from a backup (deno task restore <file>)";

export function damagedStore(path: string, what: string): StoreOpenError {
  return new StoreOpenError(path, `it is damaged (${what}). ${RESTORE}`);
}

/** Free bytes below which a disk counts as full: what SQLite needs to begin. */
const FULL = 128 * 1024;

/**
 * Says in one sentence what went wrong with a store on a disk of this machine, if the disk or the file
 * is at fault; otherwise returns the error as it is.
 */
export async function storeFault(path: string, error: unknown): Promise<unknown> {
  const cause = error instanceof StoreOpenError ? error.cause : error;
  if (!(cause instanceof Error)) return error;
  const { message } = cause;
  if (/malformed|not a database|value encoding/i.test(message)) return damagedStore(path, message);
  const full = /disk is full|No space left/i.test(message);
  if (!full && !/disk I\/O|readonly database/i.test(message)) return error;
  const disk = await diskOf(path);
  if (!full && !(disk !== null && disk.free < FULL)) return new StoreOpenError(path, cause);
  const which = disk === null
    ? "its disk"
    : `the disk at ${disk.mount} (${disk.free} of ${disk.size} bytes free)`;
  return new StoreOpenError(path, `${which} is full. Make room there, and start again`);
}

/** What every SQLite file begins with. */
const MAGIC = "SQLite format 3\0";

/**
 * Looks at a SQLite file before anything is written into it.
 *
 * @throws {StoreOpenError} If it exists, but cannot be a store.
 */
export async function checkStoreFile(path: string): Promise<void> {
  try {
    await check(path);
  } catch (error) {
    throw new StoreOpenError(path, error);
  }
}

/** What {@link prepareStoreFile} found. */
export interface StoreFile {
  /** Files of the store that others can still read, as this process may not change their modes. */
  loose: string[];
  /** It was not closed properly: its last process was killed, or the machine went down. */
  unclean: boolean;
}

/**
 * Checks a file that is to be opened as the store and that nobody uses, makes it if it is missing, and
 * takes away others' rights to it.
 *
 * @throws {StoreOpenError} If it cannot be a store.
 */
export async function prepareStoreFile(path: string): Promise<StoreFile> {
  await checkStoreFile(path);
  try {
    const log = `${await Deno.realPath(path).catch(() => path)}-wal`;
    // A store that was closed has no log, or an empty one.
    const unclean = ((await Deno.stat(log).catch(() => null))?.size ?? 0) > 0;
    const damage = await walDamage(log);
    if (damage !== null) throw damagedStore(path, `its log ${log}: ${damage}`);
    await makeStoreFile(path);
    return { loose: await tighten(path), unclean };
  } catch (error) {
    throw error instanceof StoreOpenError ? error : new StoreOpenError(path, error);
  }
}

/**
 * Makes the file of a store if it is missing or empty. SQLite gives the files beside a database the
 * mode of the database. Only a database that was set up for it while empty can shrink while it is used.
 */
export async function makeStoreFile(path: string): Promise<void> {
  const file = await openPrivate(path);
  const { size } = await file.stat();
  file.close();
  if (size > 0) return;
  using database = new DatabaseSync(path);
  // The second pragma changes nothing, but makes SQLite write the first page.
  database.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA user_version = 0");
}

async function check(path: string): Promise<void> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (info === null || info.size === 0) return;
  if (!info.isFile) throw new Error("it is not a file");
  const header = await readHeader(path);
  const text = new TextDecoder("latin1").decode(header.subarray(0, MAGIC.length));
  if (text !== MAGIC) throw new Error("it is not a database of Deno KV");
  // If a crash interrupted a checkpoint, SQLite completes the file from the log beside it.
  const log = await Deno.stat(`${path}-wal`).catch(() => null);
  const view = new DataView(header.buffer);
  const pageSize = view.getUint16(16) === 1 ? 65536 : view.getUint16(16);
  const size = pageSize * view.getUint32(28);
  if (!log?.size && info.size < size) {
    throw new Error(`it is cut short: ${info.size} bytes of ${size}. ${RESTORE}`);
  }
  if (!hasKv(path)) throw new Error("it is the database of another program");
}

async function readHeader(path: string): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path, { read: true });
  const header = new Uint8Array(100);
  await file.read(header);
  return header;
}

/** Whether the database has the tables of Deno KV, or none at all. */
function hasKv(path: string): boolean {
  using database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return tables.length === 0 || tables.some(({ name }) => name === "kv");
}
