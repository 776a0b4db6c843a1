/**
 * One commit as it fills: which writes go into it, and when it is full.
 *
 * @module
 */

import { MAX_ENTRY } from "../kv/journal_entry.ts";
import { keySize } from "../kv/keys.ts";
import { eventSize } from "../kv/event_text.ts";
import type { Part, Write } from "./write.ts";

/**
 * Where a commit is closed: large ones keep the small ones behind them waiting, and small ones fall
 * behind under load.
 */
const ENOUGH = {
  journal: MAX_ENTRY - 512,
  mutations: 900,
  bytes: 320 * 1024,
  keys: 60 * 1024,
};

/** KV's limits for a commit, less the journal entry and a margin. */
const LIMITS = { mutations: 985, bytes: 720 * 1024 - MAX_ENTRY, keys: 78 * 1024 };

/** Bytes of journal lines left under which a commit is closed. */
const SMALL_ROOM = 512;

/** What goes into one commit. */
export class Batch {
  /** What is in it. */
  readonly pieces = new Map<Write, Part>();
  /** Whether it tells of anything. */
  hasEvents = false;
  /** Bytes its journal entry takes, once made. */
  entrySize = 0;
  /** Bytes of journal lines that still fit. */
  room: number = ENOUGH.journal;
  #mutations = 0;
  #bytes = 0;
  #keys = 0;
  #checks: number;

  /** With room for so many checks. */
  constructor(checks: number) {
    this.#checks = checks;
  }

  /** One that holds a single piece, however large. */
  static of(write: Write, piece: Part): Batch {
    const batch = new Batch(Infinity);
    batch.add(write, piece);
    return batch;
  }

  /** Whether it should go: a larger one would keep others waiting. */
  get full(): boolean {
    return this.room < SMALL_ROOM || this.#mutations >= ENOUGH.mutations ||
      this.#bytes >= ENOUGH.bytes || this.#keys >= ENOUGH.keys || this.#checks <= 0;
  }

  /** Adds a piece, unless it would go past a limit of KV; the first one is added anyway. */
  add(write: Write, piece: Part): boolean {
    const { checks = [], sets = [], deletes = [], events = [] } = piece;
    const mutations = this.#mutations + sets.length + deletes.length;
    let keys = this.#keys;
    let bytes = this.#bytes;
    for (const check of checks) keys += keySize(check.key);
    for (const key of deletes) keys += keySize(key);
    for (const [key, _value, size] of sets) {
      keys += keySize(key);
      bytes += size;
    }
    bytes += 2 * (keys - this.#keys);
    const over = checks.length > this.#checks || mutations > LIMITS.mutations ||
      bytes > LIMITS.bytes || keys > LIMITS.keys;
    if (over && this.pieces.size > 0) return false;
    this.pieces.set(write, piece);
    this.#checks -= checks.length;
    this.#mutations = mutations;
    this.#bytes = bytes;
    this.#keys = keys;
    for (const event of events) {
      this.hasEvents = true;
      this.room -= eventSize(event);
    }
    return true;
  }
}
