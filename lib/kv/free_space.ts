/**
 * How much may be stored before the free space falls below a floor. It is measured seldom: in
 * between, what is stored is subtracted.
 *
 * @module
 */

export interface FreeSpaceOptions {
  /** Measures what the disk still takes, in bytes; `null` if that is not known. */
  freeBytes(): Promise<number | null>;
  /** Bytes that must stay free. */
  floor: number;
  /** Milliseconds, monotonic. @default {performance.now} */
  now?: () => number;
}

/** Milliseconds after which it is measured again: others use the disk, too. */
const STALE_MS = 1000;

/** Bytes stored after which it is measured again: the store takes more of the disk than these. */
const STALE_BYTES = 8 * 1024 * 1024;

export class FreeSpace {
  /** Bytes that must stay free. */
  readonly floor: number;
  readonly #freeBytes: () => Promise<number | null>;
  readonly #now: () => number;
  #measured: { free: number | null; at: number } | undefined;
  #measuring: Promise<void> | undefined;
  #taken = 0;

  /** Measures nothing yet. */
  constructor({ freeBytes, floor, now = () => performance.now() }: FreeSpaceOptions) {
    this.floor = floor;
    this.#freeBytes = freeBytes;
    this.#now = now;
  }

  /** Whether storing `bytes` more leaves the floor free. */
  async fits(bytes: number): Promise<boolean> {
    const stale = this.#taken >= STALE_BYTES || !this.#measured ||
      this.#now() - this.#measured.at >= STALE_MS;
    if (stale) await (this.#measuring ??= this.#measure());
    const free = this.#measured?.free ?? Infinity;
    return free - this.#taken - bytes >= this.floor;
  }

  /** Notes that `bytes` were stored; negative for a removal. */
  took(bytes: number): void {
    this.#taken += bytes;
  }

  async #measure(): Promise<void> {
    try {
      this.#taken = 0;
      this.#measured = { free: await this.#freeBytes(), at: this.#now() };
    } finally {
      this.#measuring = undefined;
    }
  }
}
