/** A journal entry that an earlier process passed on. */
export interface OldEntry {
  versionstamp: string;
  /** Bytes it takes in the store. */
  size: number;
}

interface PassedEntry extends OldEntry {
  /** When it was passed on, in milliseconds of the clock of {@link PassedEntries}. */
  at: number;
  /** Weight of all entries passed on before it; `undefined` for one of an earlier process. */
  before?: number;
}

/** Sorts after every versionstamp. */
const BEHIND_ALL = "~";

/** Most entries remembered; a later process finds older ones by listing. */
const MAX_ENTRIES = 100_000;

/**
 * The journal entries that were passed on and not yet trimmed, oldest first. They say which entries
 * the journal's retention removes, and how much there is to read after a position.
 */
export class PassedEntries {
  #entries: PassedEntry[] = [];
  #bytes = 0;
  /** Weight of all entries ever passed on. */
  #weight = 0;
  readonly #now: () => number;

  /** @param now Milliseconds of a monotonic clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Bytes they take in the store. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The versionstamp of the oldest entry. */
  get oldest(): string | undefined {
    return this.#entries[0]?.versionstamp;
  }

  /** Adds an entry that is newer than all others, with the weight of its events. */
  add(versionstamp: string, size: number, weight: number): void {
    this.#entries.push({ versionstamp, size, at: this.#now(), before: this.#weight });
    this.#bytes += size;
    this.#weight += weight;
    if (this.#entries.length > MAX_ENTRIES) this.take(MAX_ENTRIES / 10);
  }

  /** Adds entries, oldest first, that are older than all others. They count as passed on now. */
  addOld(entries: readonly OldEntry[]): void {
    const at = this.#now();
    this.#entries = [...entries.map((entry) => ({ ...entry, at })), ...this.#entries];
    for (const { size } of entries) this.#bytes += size;
  }

  /**
   * How many of the oldest entries were passed on `maxMs` milliseconds ago or exceed `maxBytes`; at
   * most `most`. The entry `needed` and newer ones stay.
   */
  excess(maxMs: number, maxBytes: number, most: number, needed: string = BEHIND_ALL): number {
    const until = this.#now() - maxMs;
    let count = 0;
    let bytes = this.#bytes - maxBytes;
    while (count < this.#entries.length && count < most) {
      const { at, size, versionstamp } = this.#entries[count]!;
      if (versionstamp >= needed || (at > until && bytes <= 0)) break;
      bytes -= size;
      count++;
    }
    return count;
  }

  take(count: number): OldEntry[] {
    const taken = this.#entries.splice(0, count);
    for (const { size } of taken) this.#bytes -= size;
    return taken;
  }

  /** Removes the entries up to a position, that one included. */
  takeUntil(versionstamp: string): void {
    this.take(this.#countUntil(versionstamp));
  }

  /** Weight of the entries after a position; 0 if it is not known. */
  weightSince(versionstamp: string): number {
    const next = this.#entries[this.#countUntil(versionstamp)];
    return next?.before === undefined ? 0 : this.#weight - next.before;
  }

  #countUntil(versionstamp: string): number {
    let [from, to] = [0, this.#entries.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#entries[middle]!.versionstamp > versionstamp) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}
