/**
 * Watches a key until it is closed, even if the store's `watch()` ends or fails.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { delay } from "../task/delay.ts";
import type { Key } from "./keys.ts";

export interface KeyWatchOptions {
  kv: Deno.Kv;
  key: Key;
  /**
   * Called with the key's versionstamp, or an empty text if there is none: at first, at each change,
   * and after a failure, when changes may have been missed. What it throws is such a failure.
   */
  onchange(versionstamp: string): void | Promise<void>;
  /** What the log says of a failure. */
  failed: string;
  log: Logger;
}

/** Milliseconds between two tries to watch. */
const AGAIN_MS = 100;

export class KeyWatch implements AsyncDisposable {
  readonly #options: KeyWatchOptions;
  readonly #closing = new AbortController();
  #reader: ReadableStreamDefaultReader<[Deno.KvEntryMaybe<unknown>]> | undefined;
  readonly #watching: Promise<void>;

  /** It begins at once. */
  constructor(options: KeyWatchOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#reader?.cancel().catch(() => {});
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { kv, key, onchange, failed, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#reader = kv.watch([key]).getReader();
        while (true) {
          const { done, value } = await this.#reader.read();
          if (done) break;
          await onchange(value[0].versionstamp ?? "");
        }
      } catch (error) {
        if (!signal.aborted) log.warn(failed, { error });
      }
      // The loop's condition handles an abort.
      await delay(AGAIN_MS, signal).catch(() => {});
    }
  }
}
