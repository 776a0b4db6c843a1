/**
 * The reads of a request that needs many. The store does one read after the other, so requests take
 * turns: the first reads of a request go before those of requests that have had their share, and a
 * client that asks for much waits longer than one that asks for little.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";

/** Entries that a request reads with priority; a read counts as ten. A usual page needs no more. */
const SHARE = 1000;
const A_READ = 10;

/** Reads under way at once, of those who have yet to get their share and of those who have had it. */
const firstReads = new Semaphore(4);
const laterReads = new Semaphore(1);

/** Requests that may wait for one of the latter: each holds what it read last. */
const MAX_WAITING = 300;

/** Bytes of one read of many entries, about. */
const READ_BYTES = 512 * 1024;

/** Entries of one read, at most. */
const READ_ENTRIES = 200;

export interface ReadsOptions {
  /** Entries that are read with priority. @default {1000} */
  share?: number;
  /** Nobody waits for more. */
  signal?: AbortSignal | undefined;
}

export interface RangeOptions<T> {
  /** Entries of the first read; the next ones take more, as far as these were small. */
  first: number;
  /** Bytes of a value, about. @default {none} */
  sizeOf?: (value: T) => number;
}

/** More requests look through the tasks than may wait. */
export class TooManyReadsError extends Error {
  override name = "TooManyReadsError";

  constructor() {
    super("Too many requests are searching the tasks: try again in a moment");
  }
}

export class Reads {
  readonly #signal: AbortSignal | undefined;
  #left: number;

  constructor({ share = SHARE, signal }: ReadsOptions = {}) {
    this.#left = share;
    this.#signal = signal;
  }

  /**
   * Does a read of at most so many entries, as soon as there is room for it.
   *
   * @throws {TooManyReadsError} When too many wait already.
   * @throws The signal's reason when nobody waits for it.
   */
  async run<T>(entries: number, read: () => Promise<T>): Promise<T> {
    const semaphore = this.#left > 0 ? firstReads : laterReads;
    this.#left -= A_READ + entries;
    if (semaphore === laterReads && laterReads.waiting >= MAX_WAITING) {
      throw new TooManyReadsError();
    }
    return await semaphore.run(() => {
      this.#signal?.throwIfAborted();
      return read();
    });
  }

  /**
   * Reads a range of keys from its end to its start, some entries at a time: few of large ones, and
   * as many more as the reader asks for.
   */
  async *newestFirst<T>(
    kv: Deno.Kv,
    { start, end }: { start: Deno.KvKey; end: Deno.KvKey },
    { first, sizeOf = () => 0 }: RangeOptions<T>,
  ): AsyncGenerator<Deno.KvEntry<T>[]> {
    let limit = Math.min(first, READ_ENTRIES);
    while (true) {
      const options = { reverse: true, limit, batchSize: limit };
      const read = () => Array.fromAsync(kv.list<T>({ start, end }, options));
      const entries = await this.run(limit, read);
      if (entries.length > 0) yield entries;
      if (entries.length < limit) return;
      end = entries.at(-1)!.key;
      const bytes = entries.reduce((sum, { value }) => sum + sizeOf(value), 1);
      const fitting = Math.floor(READ_BYTES * entries.length / bytes);
      limit = Math.max(1, Math.min(READ_ENTRIES, 4 * limit, fitting));
    }
  }
}
