/**
 * Opens the store of a server: locks its file, checks the file before and after opening it, and
 * brings its layout up to date.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { diskOf } from "./disk.ts";
import { lockFile } from "./file_lock.ts";
import { FreeSpace } from "./free_space.ts";
import { GiveBack } from "./give_back.ts";
import { openSchema } from "./migrations.ts";
import { patientKv } from "./patient_kv.ts";
import { StoreCheck } from "./store_check.ts";
import { prepareStoreFile, StoreOpenError } from "./store_file.ts";
import { StorePages } from "./store_pages.ts";

/** An open store. Disposing of it closes it, and releases the lock on its file. */
export interface OpenStore extends AsyncDisposable {
  readonly kv: Deno.Kv;
  /** No other process can have this store open. */
  readonly alone: boolean;
  /** What uploads may still take of the disk; `undefined` if the store is not a file. */
  readonly space: FreeSpace | undefined;
  /** Measures what the store takes of its disk; `null` if it is not a file. */
  readonly storage: (() => Promise<Storage>) | null;
  /** Checks a file that was not closed properly, while the server starts. */
  readonly check: StoreCheck;
}

/** What a store's file takes of its disk, in bytes. */
export interface Storage {
  used: number;
  /** Free within the file. */
  free: number;
  /** The write-ahead log. */
  log: number;
  /** Free on the disk; `null` if that is not known. */
  disk: number | null;
}

export interface OpenStoreOptions {
  /** A path, `:memory:`, the URL of a KV Connect server, or `""` for the platform's own. */
  location: string;
  /** A handle to use instead. It stays open. */
  kv?: Deno.Kv | undefined;
  /** Bytes that uploads leave free on the disk. */
  minFree: number;
  log: Logger;
}

/**
 * @throws {FileInUseError} If another server has the file.
 * @throws {StoreOpenError} If the store cannot be opened, or is damaged.
 * @throws {SchemaError} If a newer version has written it.
 */
export async function openStore(options: OpenStoreOptions): Promise<OpenStore> {
  const { location, kv: given, minFree, log } = options;
  await using parts = new AsyncDisposableStack();
  const alone = !given && (location === ":memory:" || isStoreFile(location));
  const path = !given && isStoreFile(location) ? location : null;
  if (path !== null) parts.use(await lockFile(path));
  const unclean = path !== null && await prepareFile(path, log);
  const kv = given ?? parts.adopt(await openKv(location), (kv) => kv.close());
  const check = parts.use(new StoreCheck({ path: unclean ? path : null }));
  const pages = path === null ? null : parts.use(new StorePages(path));
  let space: FreeSpace | undefined;
  let storage: OpenStore["storage"] = null;
  if (path !== null && pages !== null) {
    parts.use(new GiveBack({ path, pages, log }));
    space = await freeSpace(path, pages, minFree, log);
    storage = () => storageOf(path, pages);
  }
  await check.during(openSchema(kv));
  const owned = parts.move();
  return { kv, alone, space, storage, check, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Whether a store is a file of this machine. */
export function isStoreFile(location: string): boolean {
  return location !== "" && location !== ":memory:" && !/^https?:/.test(location);
}

/** Makes a file ready to be opened; returns whether the last server did not close it. */
async function prepareFile(path: string, log: Logger): Promise<boolean> {
  const { loose: files, unclean } = await prepareStoreFile(path);
  if (files.length > 0) {
    const advice =
      "others on this machine can read the store: restrict it to its owner (chmod 600)";
    log.warn(advice, { files });
  }
  return unclean;
}

async function openKv(location: string): Promise<Deno.Kv> {
  if (typeof Deno.openKv !== "function") {
    const advice = 'start Deno with --unstable-kv, or put "unstable": ["kv"] into deno.json';
    throw new StoreOpenError(location || "of the platform", `Deno KV is not available: ${advice}`);
  }
  try {
    const kv = await Deno.openKv(location === "" ? undefined : location);
    return isStoreFile(location) ? patientKv(kv) : kv;
  } catch (error) {
    throw new StoreOpenError(location || "of the platform", error);
  }
}

/** Counts what is free on the disk, and what is free within the file. */
async function freeSpace(
  path: string,
  pages: StorePages,
  floor: number,
  log: Logger,
): Promise<FreeSpace> {
  if (floor > 0 && await diskOf(path) === null) {
    log.warn(
      "the free space of the store's disk is not known: HEADWAY_MIN_FREE needs --allow-sys=statfs",
    );
  }
  return new FreeSpace({
    floor,
    async freeBytes(): Promise<number | null> {
      const disk = await diskOf(path);
      return disk && disk.free + pages.size().free;
    },
  });
}

async function storageOf(path: string, pages: StorePages): Promise<Storage> {
  const { file, free } = pages.size();
  const log = (await Deno.stat(`${path}-wal`).catch(() => null))?.size ?? 0;
  return { used: file - free, free, log, disk: (await diskOf(path))?.free ?? null };
}
