/**
 * Reads the journal on behind a position, for as long as it lives: one `watch()` as a wake-up, one
 * read behind it, however much happens and however many want to know.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import { type Entry, parseJournal } from "../kv/event_text.ts";
import { HEAD_DELAY_MS } from "../kv/head.ts";
import { entrySize, readEntry, storedEntries } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import { delay } from "../task/delay.ts";
import type { TaskEvent } from "../task/event.ts";

export interface JournalReaderOptions {
  kv: Deno.Kv;
  /** Up to where the journal is known; empty for its beginning. */
  position(): string;
  /** Called with each entry behind the position, in order, with the bytes it takes. */
  onentry(versionstamp: string, entry: Entry, size: number): void;
  log: Logger;
}

/** Milliseconds before a watch that broke is begun again, and before a read that failed is. */
const WATCH_AGAIN_MS = 100;
const READ_AGAIN_MS = 50;

/** Entries fetched at once while reading on. */
const BATCH = 100;

export class JournalReader implements AsyncDisposable {
  readonly #options: JournalReaderOptions;
  readonly #closing = new AbortController();
  #reading: Promise<void> | null = null;
  #again = false;
  #watcher: ReadableStreamDefaultReader<unknown> | undefined;
  readonly #watching: Promise<void>;

  constructor(options: JournalReaderOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** Reads on: there may be something new. */
  wake(): void {
    this.#again = true;
    this.#reading ??= this.#read().finally(() => this.#reading = null);
  }

  /** Resolves when everything committed before the call was read. */
  async caughtUp(): Promise<void> {
    this.wake();
    while (this.#reading) await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#watcher?.cancel().catch(() => {});
    await this.#watching;
    while (this.#reading) await this.#reading;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #watch(): Promise<void> {
    const { kv, log } = this.#options;
    while (!this.#closed) {
      try {
        this.#watcher = kv.watch([keys.journalHead]).getReader();
        while (!(await this.#watcher.read()).done) this.wake();
      } catch (error) {
        if (!this.#closed) log.warn("the watch broke and is begun again", { error });
      }
      await this.#pause(WATCH_AGAIN_MS);
    }
  }

  async #read(): Promise<void> {
    const { kv, position, onentry, log } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const entries = storedEntries(kv, { behind: position() }, { batchSize: BATCH });
        for await (const { versionstamp, first } of entries) {
          const bytes = await readEntry(kv, versionstamp, first);
          if (bytes !== null) onentry(versionstamp, parseJournal(bytes), entrySize(first));
        }
      } catch (error) {
        if (this.#closed) return;
        log.warn("the journal could not be read and is tried again", { error });
        await this.#pause(READ_AGAIN_MS);
        this.#again = true;
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, this.#closing.signal).catch(() => {});
  }
}

/** Milliseconds of the journal that hold the progress which some head may not have yet. */
const TAIL_MS = 4 * HEAD_DELAY_MS;

export interface Tail {
  /** The versionstamp of its newest entry; empty for none. */
  position: string;
  /** What happened in its last moments, in order: all progress that a head may lack. */
  events: TaskEvent[];
}

export async function readTail(kv: Deno.Kv): Promise<Tail> {
  let position = "";
  const commits: TaskEvent[][] = [];
  const newest = new Map<string, number>();
  const entries = storedEntries(kv, {}, { reverse: true, batchSize: 20 });
  for await (const { versionstamp, first } of entries) {
    if (position === "") position = versionstamp;
    const bytes = await readEntry(kv, versionstamp, first);
    if (bytes === null) break;
    const { sid, at, events } = parseJournal(bytes);
    if (!newest.has(sid)) newest.set(sid, at);
    // Each process has a clock of its own.
    if (at < newest.get(sid)! - TAIL_MS) break;
    commits.push(events);
  }
  return { position, events: commits.reverse().flat() };
}
