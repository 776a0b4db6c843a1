/**
 * Trims the journal: removes the entries that every client has had time to read and those beyond
 * the bytes that it may take, and stores how far it has removed them.
 *
 * @module
 */

import type { Hub } from "../feed/hub.ts";
import type { OldEntry } from "../feed/passed_entries.ts";
import { entryKeys, entrySize, storedEntries } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";
import type { Part, Write } from "../store/write.ts";
import { Chores } from "./chores.ts";

export interface JournalRetentionOptions {
  store: Store;
  /** Knows the entries of the journal. */
  hub: Hub;
  /** Whether this process is the elected one, which trims. */
  isElected(): Promise<boolean>;
  /** Milliseconds an entry is kept: for so long a stream over many tasks can be resumed. */
  journalMs?: number;
  /** Most bytes of journal that are kept. */
  journalBytes?: number;
  log: Logger;
}

/** Most entries removed in one commit: a large one would delay other writes. */
const ENTRIES_A_COMMIT = 32;

/** Milliseconds between two looks at the journal. */
const TRIM_MS = 40;

export class JournalRetention implements Write {
  readonly #options: JournalRetentionOptions;
  readonly #chores: Chores;
  /** Our part waits for its commit, or the commit is in flight. */
  #trimming = false;
  /** This process has begun to trim, and nobody else does from then on. */
  #tookOver = false;

  /** Does nothing before {@link JournalRetention.start}. */
  constructor(options: JournalRetentionOptions) {
    this.#options = options;
    this.#chores = new Chores(options.log);
  }

  start(): void {
    this.#chores.once("find old journal entries", async () => {
      try {
        await this.#findOld();
      } finally {
        // Not before the old ones are known, as the oldest go first.
        this.#chores.every(TRIM_MS, "trim", () => this.#trim());
      }
    });
  }

  stop(): Promise<void> {
    return this.#chores.stop();
  }

  /** Adds the entries from before this process began, so that the oldest go first. */
  async #findOld(): Promise<void> {
    const { store: { kv }, hub: { passed, position } } = this.#options;
    const { oldest } = passed;
    const range = oldest === undefined ? { until: position } : { before: oldest };
    const old: OldEntry[] = [];
    for await (const { versionstamp, first } of storedEntries(kv, range, { batchSize: 10 })) {
      if (this.#chores.signal.aborted) return;
      old.push({ versionstamp, size: entrySize(first) });
    }
    passed.addOld(old);
  }

  async #trim(): Promise<void> {
    const { store, isElected } = this.#options;
    if (this.#trimming || this.#excess() === 0 || !await isElected()) return;
    if (!this.#tookOver) await this.#takeOver();
    this.#trimming = true;
    store.journal.touch(this);
  }

  /** Forgets the entries that another process has removed, so that the journal's floor never falls. */
  async #takeOver(): Promise<void> {
    const { store: { kv }, hub: { passed } } = this.#options;
    const { value: floor } = await kv.get<string>(keys.journalFloor);
    if (floor !== null) passed.takeUntil(floor);
    this.#tookOver = true;
  }

  /** How many of the oldest entries to remove now. */
  #excess(): number {
    const { hub, journalMs = 120_000, journalBytes = 64 * 1024 * 1024 } = this.#options;
    const { passed, pending } = hub;
    return passed.excess(journalMs, journalBytes, ENTRIES_A_COMMIT, pending.oldest);
  }

  render(): Part {
    const entries = this.#options.hub.passed.take(this.#excess());
    if (entries.length === 0) return {};
    return {
      deletes: entries.flatMap(({ versionstamp, size }) => entryKeys(versionstamp, size)),
      sets: [[keys.journalFloor, entries.at(-1)!.versionstamp, 32]],
    };
  }

  onresult(): void {
    this.#trimming = false;
  }
}
