/**
 * How many pages the SQLite file that Deno KV has open has, and how many are free. It is read
 * through a connection of its own, which must be closed before Deno KV's: the last one to close
 * writes the log back into the file.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** What a store takes on its disk, in bytes. */
export interface StoreSize {
  file: number;
  /** Unused bytes of the file, which are filled before it grows. */
  free: number;
}

/** Bytes that stay free in a file, however small it is: it would soon grow again. */
const RESERVE = 8 * 1024 * 1024;

/** The free bytes of a file that are not given back: it would soon grow again. */
export function reserveOf({ file, free }: StoreSize): number {
  return Math.max(RESERVE, 0.1 * (file - free));
}

export class StorePages implements Disposable {
  /** Whether its free pages can be given back while it is used. */
  readonly shrinks: boolean;
  readonly #database: DatabaseSync;
  #size: StoreSize = { file: 0, free: 0 };

  /** Looks at a file that Deno KV has open. */
  constructor(path: string) {
    // A short timeout: whoever asks can ask again.
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 100 });
    this.shrinks = this.#pragma("auto_vacuum") !== 0;
  }

  /** How large it is, or was when it could last be read. */
  size(): StoreSize {
    try {
      const page = this.#pragma("page_size");
      const file = page * this.#pragma("page_count");
      this.#size = { file, free: page * this.#pragma("freelist_count") };
    } catch {
      // It is locked, or cannot be read, which others report.
    }
    return this.#size;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #pragma(name: string): number {
    return Number(Object.values(this.#database.prepare(`PRAGMA ${name}`).get()!)[0]);
  }
}
