/**
 * Gives free pages of the store's file back to the disk, in a process beside the server. Only a
 * file that was created for it can shrink while it is in use; see `prepareStoreFile()`.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { reserveOf, type StorePages } from "./store_pages.ts";
import { StoreProcess } from "./store_process.ts";

export interface GiveBackOptions {
  path: string;
  /** Tells how much of the file is free. */
  pages: StorePages;
  /** Milliseconds between two looks. @default {10_000} */
  everyMs?: number;
  log: Logger;
}

/** Free bytes beyond the reserve that are worth a process. */
const WORTH = 8 * 1024 * 1024;

export class GiveBack implements AsyncDisposable {
  readonly #options: GiveBackOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #process: StoreProcess | null = null;
  #advised = false;

  constructor(options: GiveBackOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? 10_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#process?.[Symbol.asyncDispose]();
  }

  #look(): void {
    const { path, pages, log } = this.#options;
    const size = pages.size();
    if (this.#process !== null || size.free - reserveOf(size) < WORTH) return;
    if (!pages.shrinks) {
      const advice = "much of the store's file is free: stop the server and run deno task compact";
      if (!this.#advised) log.warn(advice, { file: size.file, free: size.free });
      this.#advised = true;
      return;
    }
    const process = this.#process = new StoreProcess("./incremental_vacuum.ts", path, true);
    void process.said.then(() => this.#process = null);
  }
}
