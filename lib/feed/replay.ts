/**
 * Reads the journal from a client's cursor on: a little at a time, and only while that is less than
 * a snapshot.
 *
 * @module
 */

import { READ_BYTES } from "../kv/catch_up.ts";
import { type Cursor, makeCursor, parseCursor } from "./cursor.ts";
import type { Hub } from "./hub.ts";
import { HubEvent } from "./hub_event.ts";
import { readEntry, storedEntries } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import { parseJournal, weightOf } from "../kv/event_text.ts";
import type { TaskEvent } from "../task/event.ts";

/** Most weight of the events read for one client, wanted or not: beyond it a snapshot is cheaper. */
const MAX_WEIGHT = 4 * 1024 * 1024;

/** Entries in the first read, when their size is not known yet, and the most in any read. */
const FIRST_ENTRIES = 2;
const MAX_ENTRIES = 20;

export interface ReplayOptions {
  kv: Deno.Kv;
  /** Knows the newest position in the journal. */
  hub: Hub;
  wants: (event: TaskEvent) => boolean;
  /** Most weight of the events read, see {@link weightOf}. @default {4 MiB} */
  maxWeight?: number;
}

export class Replay {
  readonly #options: ReplayOptions;
  #at: Cursor;
  #left: number;
  #entries = FIRST_ENTRIES;

  private constructor(options: ReplayOptions, at: Cursor) {
    this.#options = options;
    this.#at = at;
    this.#left = options.maxWeight ?? MAX_WEIGHT;
  }

  /** `null` if the cursor is not of this store, or too much has happened since. */
  static from(cursor: string, options: ReplayOptions): Replay | null {
    const { hub, maxWeight = MAX_WEIGHT } = options;
    const at = parseCursor(cursor);
    if (!at || at.epoch !== hub.epoch || at.versionstamp > hub.position) return null;
    return hub.passed.weightSince(at.versionstamp) > maxWeight ? null : new Replay(options, at);
  }

  /** Whether everything up to a position was read. */
  reached(position: string): boolean {
    return this.#at.versionstamp >= position && this.#at.index === Infinity;
  }

  /**
   * Reads at least one commit, but not past a position.
   *
   * @returns The wanted events; `null` if some were removed from the journal, or they are too many.
   */
  async read(until: string): Promise<HubEvent[] | null> {
    if (this.reached(until)) return [];
    const { kv } = this.#options;
    const { versionstamp, index } = this.#at;
    const start = index === Infinity ? { behind: versionstamp } : { from: versionstamp };
    const limit = this.#entries;
    const entries = await Array.fromAsync(
      storedEntries(kv, { ...start, until }, { limit, batchSize: limit }),
    );
    const events: HubEvent[] = [];
    let bytes = 0;
    let read = 0;
    for (const { versionstamp, first } of entries) {
      const lines = await readEntry(kv, versionstamp, first);
      if (lines === null || !this.#take(versionstamp, lines, events)) return null;
      bytes += lines.length;
      read++;
      if (bytes >= READ_BYTES) break;
    }
    if (read < entries.length || read === limit) {
      this.#entries = Math.max(1, Math.min(MAX_ENTRIES, Math.floor(READ_BYTES * read / bytes)));
    } else {
      this.#at = { ...this.#at, versionstamp: until, index: Infinity };
    }
    // Checked last, since entries may have been removed while we read.
    const floor = (await kv.get<string>(keys.journalFloor)).value;
    const gone = floor !== null &&
      (floor > versionstamp || (floor === versionstamp && index !== Infinity));
    return gone ? null : events;
  }

  /** Takes in an entry; `false` if that exceeds the weight. */
  #take(versionstamp: string, bytes: Uint8Array, into: HubEvent[]): boolean {
    const { hub: { epoch, sid }, wants } = this.#options;
    const before = versionstamp === this.#at.versionstamp ? this.#at.index : -1;
    const { sid: writer, events } = parseJournal(bytes);
    for (const [n, event] of events.entries()) {
      if (n <= before) continue;
      this.#left -= weightOf(event);
      if (!wants(event)) continue;
      const index = n === events.length - 1 ? Infinity : n;
      const cursor = () => makeCursor({ epoch, versionstamp, index });
      into.push(new HubEvent(event, writer === sid, cursor));
    }
    this.#at = { ...this.#at, versionstamp, index: Infinity };
    return this.#left >= 0;
  }
}
