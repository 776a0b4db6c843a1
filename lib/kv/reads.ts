/**
 * The reads of a request that needs many. The store does one read after the other, so requests take
 * turns: the first reads of a request go before those of requests that have had their share, and a
 * client that asks for much waits longer than one that asks for little.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";

/**
 * Entries that a request reads with priority; each read counts as ten more. Enough for a usual page.
 */
const SHARE = 1000;
const A_READ = 10;

/** Reads under way at once: of requests within their share, and of requests beyond it. */
const firstReads = new Semaphore(4);
const laterReads = new Semaphore(1);

/** Most requests beyond their share that may wait: each holds in memory what it read last. */
const MAX_WAITING = 300;

/** Bytes in one read of a range, about. */
const READ_BYTES = 512 * 1024;

/** Most entries in one read of a range. */
const READ_ENTRIES = 200;

export interface ReadsOptions {
  /** Entries that are read with priority. @default {1000} */
  share?: number;
  /** Once it aborts, reads that have not begun fail. */
  signal?: AbortSignal | undefined;
}

export interface RangeOptions<T> {
  /** Entries in the first read; later reads take more if these were small. */
  first: number;
  /** Bytes of a value, about. @default {none} */
  sizeOf?: (value: T) => number;
  /** Does each read, once it has its turn. @default {just reads} */
  wrap?: (read: () => Promise<Deno.KvEntry<T>[]>) => Promise<Deno.KvEntry<T>[]>;
}

/** Too many requests wait to search the tasks. */
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
   * Does a read of at most `entries` entries when it is this request's turn.
   *
   * @throws {TooManyReadsError} When too many wait already.
   * @throws The signal's reason, if it aborts before the read begins.
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
   * Reads a range of keys from its end to its start in batches, which are small if entries are large,
   * and grow with how far the caller reads.
   */
  async *newestFirst<T>(
    kv: Deno.Kv,
    { start, end }: { start: Deno.KvKey; end: Deno.KvKey },
    { first, sizeOf = () => 0, wrap = (read) => read() }: RangeOptions<T>,
  ): AsyncGenerator<Deno.KvEntry<T>[]> {
    let limit = Math.min(first, READ_ENTRIES);
    while (true) {
      const options = { reverse: true, limit, batchSize: limit };
      const read = () => Array.fromAsync(kv.list<T>({ start, end }, options));
      const entries = await this.run(limit, () => wrap(read));
      if (entries.length > 0) yield entries;
      if (entries.length < limit) return;
      end = entries.at(-1)!.key;
      const bytes = entries.reduce((sum, { value }) => sum + sizeOf(value), 1);
      const fitting = Math.floor(READ_BYTES * entries.length / bytes);
      limit = Math.max(1, Math.min(READ_ENTRIES, 4 * limit, fitting));
    }
  }
}
