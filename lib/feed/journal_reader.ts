/**
 * Reads the journal from a position on, until it is closed. One `watch()` wakes it and one read
 * follows, however much happens and however many listen.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { type Entry, parseJournal } from "../kv/event_text.ts";
import { KeyWatch } from "../kv/key_watch.ts";
import { entrySize, readEntry, storedEntries } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import { oldestUnfolded } from "../kv/sessions.ts";
import { delay } from "../task/delay.ts";

export interface JournalReaderOptions {
  kv: Deno.Kv;
  /** The versionstamp up to which the journal is known; empty for its beginning. */
  position(): string;
  /** Called with each entry after the position, in order, and the bytes it takes. */
  onentry(versionstamp: string, entry: Entry, size: number): void;
  log: Logger;
}

/** Milliseconds until a read that failed is tried again. */
const READ_AGAIN_MS = 50;

/** Entries fetched at once. */
const BATCH = 100;

export class JournalReader implements AsyncDisposable {
  readonly #options: JournalReaderOptions;
  readonly #closing = new AbortController();
  #reading: Promise<void> | null = null;
  #again = false;
  /** Resolves when the next read, which has yet to begin, is over. */
  #next = Promise.withResolvers<void>();
  readonly #watch: KeyWatch;

  constructor(options: JournalReaderOptions) {
    this.#options = options;
    this.#watch = new KeyWatch({
      kv: options.kv,
      key: keys.journalHead,
      // Each commit with an entry sets it, so it has the entry's versionstamp.
      onchange: (versionstamp) => this.wake(versionstamp),
      failed: "the watch for the journal failed and is restarted",
      log: options.log,
    });
  }

  /** Reads on, unless `newest`, the versionstamp of the newest entry if known, was read already. */
  wake(newest?: string): void {
    if (newest !== undefined && newest <= this.#options.position()) return;
    if (this.#closed) return;
    this.#again = true;
    this.#reading ??= this.#read();
  }

  /** Resolves when everything committed before the call was read, or the reader is closed. */
  async caughtUp(): Promise<void> {
    const { promise } = this.#next;
    this.wake();
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#watch[Symbol.asyncDispose]();
    await this.#reading;
    this.#next.resolve();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #read(): Promise<void> {
    const { kv, position, onentry, log } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      const { resolve } = this.#next;
      this.#next = Promise.withResolvers();
      try {
        const entries = storedEntries(kv, { behind: position() }, { batchSize: BATCH });
        for await (const { versionstamp, first } of entries) {
          const bytes = await readEntry(kv, versionstamp, first);
          if (bytes !== null) onentry(versionstamp, parseJournal(bytes), entrySize(first));
        }
        resolve();
      } catch (error) {
        void this.#next.promise.then(resolve);
        if (this.#closed) break;
        log.warn("the journal could not be read and is tried again", { error });
        await delay(READ_AGAIN_MS, this.#closing.signal).catch(() => {});
        this.#again = true;
      }
    }
    // Nothing is awaited since the last check, so whoever calls `wake()` from now on starts a read.
    this.#reading = null;
  }
}

/**
 * Reads the journal from the oldest entry that may not be folded. It reads an entry at a time, since
 * after a long silence this may be the whole journal.
 *
 * @returns The versionstamp of its newest entry; empty for none.
 */
export async function readTail(
  kv: Deno.Kv,
  onentry: JournalReaderOptions["onentry"],
): Promise<string> {
  const from = await oldestUnfolded(kv);
  let until = "";
  const newest = { limit: 1, reverse: true };
  for await (const { versionstamp } of storedEntries(kv, {}, newest)) until = versionstamp;
  if (from === null || from > until) return until;
  for await (
    const { versionstamp, first } of storedEntries(kv, { from, until }, { batchSize: 20 })
  ) {
    const bytes = await readEntry(kv, versionstamp, first);
    if (bytes !== null) onentry(versionstamp, parseJournal(bytes), entrySize(first));
  }
  return until;
}
