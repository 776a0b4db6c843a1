/**
 * A program that gives free pages of a SQLite file back to the disk, a few at a time, while others
 * use the file. See `give_back.ts`.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { reserveOf } from "./store_pages.ts";
import { startWatchdog } from "../base/watchdog.ts";
import { delay } from "../task/delay.ts";

/** Pages given back at once: a commit waits for no more than these. */
const PAGES = 64;

/** Milliseconds in between, in which others can commit. */
const PAUSE_MS = 50;

/** Milliseconds it waits for a commit of others. */
const BUSY_MS = 5000;

/** Gives back pages until only a reserve is free. */
export async function giveBackPages(path: string, pauseMs: number = PAUSE_MS): Promise<void> {
  using database = new DatabaseSync(path, { timeout: BUSY_MS });
  const pragma = (name: string) => {
    return Number(Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]);
  };
  const page = pragma("page_size");
  while (true) {
    const size = { file: page * pragma("page_count"), free: page * pragma("freelist_count") };
    const excess = Math.floor((size.free - reserveOf(size)) / page);
    if (excess <= 0) break;
    // It gives back pages only for as long as it is asked for rows.
    database.prepare(`PRAGMA incremental_vacuum(${Math.min(PAGES, excess)})`).all();
    await delay(pauseMs);
  }
  // The file itself shrinks only when the log is written into it.
  database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
}

if (import.meta.main) {
  startWatchdog();
  await giveBackPages(Deno.args[0]!);
  Deno.exit(0);
}
