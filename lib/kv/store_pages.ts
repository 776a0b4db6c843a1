/**
 * The pages of the SQLite file that Deno KV has open: how many there are and are free, and how they
 * are given back to the disk. It looks through a connection of its own, which must be closed before
 * Deno KV's: the last one to close puts the log into the file.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** What a store takes on its disk, in bytes. */
export interface StoreSize {
  /** Its file. */
  file: number;
  /** What of the file holds nothing, and is used before it grows. */
  free: number;
}

/** See the module. */
export class StorePages implements Disposable {
  readonly #database: DatabaseSync;
  #size: StoreSize = { file: 0, free: 0 };

  /** Opens a file that Deno KV has open. */
  constructor(path: string) {
    // It waits for nobody: whoever asks can ask again.
    this.#database = new DatabaseSync(path, { timeout: 0 });
    // A checkpoint waits for the disk, and is Deno KV's to make.
    this.#database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL");
  }

  /** How large it is, or was when it could last be read. */
  size(): StoreSize {
    try {
      const page = this.#pragma("page_size");
      const file = page * this.#pragma("page_count");
      this.#size = { file, free: page * this.#pragma("freelist_count") };
    } catch {
      // It is being written, or cannot be read: then others say so.
    }
    return this.#size;
  }

  /** Closes its connection. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #pragma(name: string): number {
    return Number(Object.values(this.#database.prepare(`PRAGMA ${name}`).get()!)[0]);
  }
}
