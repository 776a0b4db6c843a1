/**
 * One commit while it fills: which writes go into it, when it is full, and what it asks of KV.
 *
 * @module
 */

import { entryLine, eventSize, journalLine } from "../kv/event_text.ts";
import { getMany } from "../kv/get_many.ts";
import { MAX_ENTRY, setEntry } from "../kv/journal_entry.ts";
import { type Key, keys, keySize, keyText } from "../kv/keys.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Part, Write, WriteResult } from "./write.ts";

/**
 * A commit that reaches one of these takes no more: larger commits make the next one wait, smaller
 * ones do not keep up with the load.
 */
const ENOUGH = {
  journal: MAX_ENTRY - 512,
  mutations: 900,
  bytes: 320 * 1024,
  keys: 60 * 1024,
};

/** KV's limits for a commit, less the journal entry and a margin. */
const LIMITS = { mutations: 985, bytes: 720 * 1024 - MAX_ENTRY, keys: 78 * 1024 };

/** A commit that has room for fewer bytes of journal lines takes no more. */
const SMALL_ROOM = 512;

export class Batch {
  /** Bytes its journal entry takes, once {@link Batch.atomic} made it. */
  entrySize = 0;
  readonly #parts = new Map<Write, Part>();
  /** A check that several parts share counts once. */
  readonly #checked = new Set<Deno.AtomicCheck>();
  #hasEvents = false;
  #room: number = ENOUGH.journal;
  #mutations = 0;
  #bytes = 0;
  #keys = 0;
  #checks: number;
  /** Keys that a write both checks and changes, by the last element of the key. */
  readonly #claimed = new Map<Deno.KvKeyPart, Key[]>();

  constructor(checks: number) {
    this.#checks = checks;
  }

  /** One that holds a single part, however large. */
  static of(write: Write, part: Part): Batch {
    const batch = new Batch(Infinity);
    batch.add(write, part);
    return batch;
  }

  get size(): number {
    return this.#parts.size;
  }

  has(write: Write): boolean {
    return this.#parts.has(write);
  }

  get hasEvents(): boolean {
    return this.#hasEvents;
  }

  get writes(): Write[] {
    return [...this.#parts.keys()];
  }

  get events(): TaskEvent[] {
    return [...this.#parts.values()].flatMap((part) => part.events ?? []);
  }

  /** Bytes of journal lines that still fit. */
  get room(): number {
    return this.#room;
  }

  /** Whether to commit it now: a larger one would make others wait. */
  get full(): boolean {
    return this.#room < SMALL_ROOM || this.#mutations >= ENOUGH.mutations ||
      this.#bytes >= ENOUGH.bytes || this.#keys >= ENOUGH.keys || this.#checks <= 0;
  }

  /**
   * Adds a part, unless the commit would exceed a limit of KV, or the part checks a key that another
   * one both checks and changes: KV does all checks before any change, so both would succeed. The
   * first part is always added.
   */
  add(write: Write, part: Part): boolean {
    const { checks = [], sets = [], deletes = [], events = [] } = part;
    const mutations = this.#mutations + sets.length + deletes.length;
    let keys = this.#keys;
    let bytes = this.#bytes;
    let unchecked = 0;
    let claimed = false;
    for (const check of checks) {
      if (this.#isClaimed(check.key)) claimed = true;
      if (this.#checked.has(check)) continue;
      unchecked++;
      keys += keySize(check.key);
    }
    for (const key of deletes) keys += keySize(key);
    for (const [key, _value, size] of sets) {
      keys += keySize(key);
      bytes += size;
    }
    bytes += 2 * (keys - this.#keys);
    const over = claimed || unchecked > this.#checks || mutations > LIMITS.mutations ||
      bytes > LIMITS.bytes || keys > LIMITS.keys;
    if (over && this.#parts.size > 0) return false;
    this.#parts.set(write, part);
    for (const check of checks) {
      if (changes(part, check.key)) this.#claim(check.key);
      this.#checked.add(check);
    }
    this.#checks -= unchecked;
    this.#mutations = mutations;
    this.#bytes = bytes;
    this.#keys = keys;
    for (const event of events) {
      this.#hasEvents = true;
      this.#room -= eventSize(event);
    }
    return true;
  }

  #claim(key: Key): void {
    const last = key.at(-1)!;
    const claimed = this.#claimed.get(last);
    if (claimed) claimed.push(key);
    else this.#claimed.set(last, [key]);
  }

  #isClaimed(key: Key): boolean {
    const claimed = this.#claimed.get(key.at(-1)!);
    return claimed !== undefined && claimed.some((it) => isSame(it, key));
  }

  /** Takes out every write and tells it the result. */
  end(result: WriteResult): void {
    for (const [write] of this.takeOut()) write.onresult(result);
  }

  /** Takes out every write with its part. */
  takeOut(): [Write, Part][] {
    const parts = [...this.#parts];
    this.#parts.clear();
    return parts;
  }

  /** The KV operation: it checks `session` and adds the events as a journal entry of process `sid`. */
  atomic(kv: Deno.Kv, session: Deno.AtomicCheck | null, sid: string): Deno.AtomicOperation {
    const atomic = kv.atomic();
    if (session) atomic.check(session);
    let lines = "";
    const checked = new Set<Deno.AtomicCheck>();
    // Of two mutations of a key the later one counts.
    for (const { checks = [], deletes = [], sets = [], events = [] } of this.#parts.values()) {
      for (const check of checks) checked.add(check);
      for (const key of deletes) atomic.delete(key);
      for (const [key, value, , expireIn] of sets) {
        if (expireIn) atomic.set(key, value, { expireIn });
        else atomic.set(key, value);
      }
      for (const event of events) lines += journalLine(event);
    }
    for (const check of checked) atomic.check(check);
    if (lines !== "") {
      // Not `Date.now()`: somebody may set the clock at any moment.
      const at = Math.round(performance.timeOrigin + performance.now());
      this.entrySize = setEntry(kv, atomic, entryLine(sid, at) + lines);
      atomic.set(keys.journalHead, sid);
    }
    return atomic;
  }

  /** Takes out the writes that have a check which no longer holds. */
  async takeLosers(kv: Deno.Kv): Promise<Write[]> {
    const checks = [...this.#parts.values()].flatMap(({ checks = [] }) => checks);
    const wanted = [...new Map(checks.map(({ key }) => [keyText(key), key])).values()];
    const entries = await getMany(kv, wanted);
    const now = new Map(entries.map(({ key, versionstamp }) => [keyText(key), versionstamp]));
    const losers: Write[] = [];
    for (const [write, { checks = [] }] of this.#parts) {
      const holds = checks.every(({ key, versionstamp }) => now.get(keyText(key)) === versionstamp);
      if (!holds) losers.push(write);
    }
    for (const write of losers) this.#parts.delete(write);
    return losers;
  }
}

function changes({ sets = [], deletes = [] }: Part, key: Key): boolean {
  for (const [set] of sets) if (isSame(set, key)) return true;
  for (const deleted of deletes) if (isSame(deleted, key)) return true;
  return false;
}

function isSame(a: Key, b: Key): boolean {
  if (a.length !== b.length) return false;
  // Keys of one task differ in their first part, and those of one kind of key in their last.
  for (let n = a.length - 1; n >= 0; n--) if (a[n] !== b[n]) return false;
  return true;
}
