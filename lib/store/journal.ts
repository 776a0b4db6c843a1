/**
 * The journal and its group commit: the one way into the store for everything that happens.
 *
 * While a commit is in flight, writes gather; the next commit takes them all. A write is asked for
 * what it has to write (`render`) only when it is taken, so whatever changed in between is conflated.
 * Each commit checks this process's session, so nothing lands after the session was reaped.
 *
 * @module
 */

import { Batch } from "./batch.ts";
import { getMany } from "../kv/get_many.ts";
import { setEntry } from "../kv/journal_entry.ts";
import { type Key, keys, keyText } from "../kv/keys.ts";
import { entryLine, eventSize, journalLine } from "../kv/event_text.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Logger } from "../base/log.ts";
import { delay } from "../task/delay.ts";
import type { Part, Write, WriteResult } from "./write.ts";

/** Milliseconds after which a commit without an answer counts as one that fails. */
const HANGS_MS = 1000;

/** How a try to commit went. */
export type CommitEnd = "committed" | "conflict" | "failed";

/** What {@link Journal} takes. */
export interface JournalOptions {
  /** The one handle of this process. */
  kv: Deno.Kv;
  /** Names this process in its journal entries. */
  sid: string;
  /** Checked by each commit; `null` for none. Read at each commit. */
  session?: () => Deno.AtomicCheck | null;
  /** Checks a commit may hold: 100 on SQLite, 10 over KV Connect. @default {10} */
  maxChecks?: number;
  /** Told after each commit that others should hear of: what happened, and the bytes it takes. */
  oncommit?: (versionstamp: string, events: TaskEvent[], size: number) => void;
  /** Told of each try to commit: how it went, and the milliseconds it took. */
  ontried?: (end: CommitEnd, ms: number) => void;
  /** Told once when the session turns out to be gone. */
  onfenced?: () => void;
  /** The session was renewed without our knowing, and now has this versionstamp. */
  onrenewed?: (versionstamp: string) => void;
  /** Where trouble is told. */
  log: Logger;
}

/** The journal of one process. Commits run one after another for as long as there is work. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #queue = new Set<Write>();
  readonly #closing = new AbortController();
  #committing: Promise<void> | null = null;
  #taken = Promise.withResolvers<void>();
  /** Rendered, but more than there was room for in the last commit. */
  #carried: [Write, Part] | null = null;
  #fenced = false;

  /** Commits made; for metrics and tests. */
  commits = 0;
  #stalledAt: number | null = null;
  /** Why the last try failed; `null` where it did not. */
  failure: unknown = null;
  /** When the commit in flight was sent. */
  #begunAt: number | null = null;

  /** Nothing is started: the first write starts the loop. */
  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Milliseconds for which no commit has succeeded though some were tried; 0 when all is well. */
  get stalledMs(): number {
    const now = performance.now();
    if (this.#stalledAt !== null) return now - this.#stalledAt;
    // One that neither succeeds nor fails is no better than one that fails.
    const hangs = this.#begunAt !== null && now - this.#begunAt > HANGS_MS;
    return hangs ? now - this.#begunAt! : 0;
  }

  /** Adds a write; one that already waits stays where it is. */
  touch(write: Write): void {
    if (this.#closing.signal.aborted || this.#fenced) {
      queueMicrotask(() => write.settle({ ok: false, reason: this.#fenced ? "fenced" : "closed" }));
      return;
    }
    if (write.urgent) this.#putFirst(write);
    else this.#queue.add(write);
    this.#committing ??= this.#loop();
  }

  /** Writes one piece and resolves with how it ended. */
  write(piece: Part): Promise<WriteResult> {
    const { promise, resolve } = Promise.withResolvers<WriteResult>();
    const size = (piece.events ?? []).reduce((sum, event) => sum + eventSize(event), 0);
    this.touch({ render: (room) => size > room ? null : piece, settle: resolve });
    return promise;
  }

  /** Resolves when everything that waits now was taken into a commit: the sign to send more. */
  taken(): Promise<void> {
    return this.#waiting ? this.#taken.promise : Promise.resolve();
  }

  /** Resolves when nothing waits and no commit is in flight. */
  async idle(): Promise<void> {
    while (this.#committing !== null) await this.#committing;
  }

  /** Writes what waits, then takes nothing more. */
  async close(): Promise<void> {
    await this.idle();
    this.#closing.abort();
  }

  /** Takes nothing more, and tries no longer what a store did not take. */
  async giveUp(): Promise<void> {
    this.#closing.abort();
    await this.idle();
  }

  get #waiting(): boolean {
    return this.#queue.size > 0 || this.#carried !== null;
  }

  async #loop(): Promise<void> {
    // One turn of the event loop lets the writes of one moment travel together.
    await Promise.resolve();
    while (this.#waiting) {
      const batch = this.#take();
      if (!this.#waiting) {
        this.#taken.resolve();
        this.#taken = Promise.withResolvers();
      }
      await this.#commit(batch);
    }
    this.#committing = null;
  }

  #take(): Batch {
    const batch = new Batch((this.#options.maxChecks ?? 10) - 1);
    if (this.#carried) batch.add(...this.#carried);
    this.#carried = null;
    for (const write of this.#queue) {
      if (batch.full) break;
      // One piece of a write a commit: what was carried over goes before what came since.
      if (batch.pieces.has(write)) continue;
      const piece = write.render(batch.room);
      if (piece === null && batch.pieces.size > 0) {
        this.#putFirst(write);
        break;
      }
      this.#queue.delete(write);
      if (piece === null) {
        this.#options.log.error("a write can never be stored: it is larger than a commit");
        write.settle({ ok: false, reason: "refused" });
        continue;
      }
      if (piece.more) this.#queue.add(write);
      if (!batch.add(write, piece)) {
        // It is rendered, and what it holds is nowhere else.
        this.#carried = [write, piece];
        break;
      }
      if (piece.more) break;
    }
    return batch;
  }

  /** As a write that found no room in a commit: the next one has all of it. */
  #putFirst(write: Write): void {
    this.#queue.delete(write);
    const others = [...this.#queue];
    this.#queue.clear();
    for (const each of [write, ...others]) this.#queue.add(each);
  }

  async #commit(batch: Batch): Promise<void> {
    for (let tries = 0; batch.pieces.size > 0; tries++) {
      let result: Deno.KvCommitResult | Deno.KvCommitError;
      const begun = performance.now();
      const tried = (end: CommitEnd) => this.#options.ontried?.(end, performance.now() - begun);
      try {
        const atomic = this.#atomic(batch);
        this.#begunAt = performance.now();
        result = await atomic.commit();
        this.#begunAt = null;
      } catch (error) {
        this.#begunAt = null;
        tried("failed");
        if (!await this.#recover(batch, error, tries)) return;
        continue;
      }
      this.#stalledAt = this.failure = null;
      tried(result.ok ? "committed" : "conflict");
      if (result.ok) {
        this.commits++;
        const { versionstamp } = result;
        if (batch.hasEvents) {
          const events = [...batch.pieces.values()].flatMap((piece) => piece.events ?? []);
          this.#options.oncommit?.(versionstamp, events, batch.entrySize);
        }
        for (const write of batch.pieces.keys()) write.settle({ ok: true, versionstamp });
        return;
      }
      await this.#dropLosers(batch);
    }
  }

  #atomic(batch: Batch): Deno.AtomicOperation {
    const { kv, session, sid } = this.#options;
    const atomic = kv.atomic();
    const own = session?.();
    if (own) atomic.check(own);
    const mutations = new Map<string, { key: Key; value?: unknown; expireIn?: number }>();
    let lines = "";
    for (const piece of batch.pieces.values()) {
      for (const check of piece.checks ?? []) atomic.check(check);
      for (const key of piece.deletes ?? []) mutations.set(keyText(key), { key });
      for (const [key, value, , expireIn] of piece.sets ?? []) {
        mutations.set(keyText(key), expireIn ? { key, value, expireIn } : { key, value });
      }
      for (const event of piece.events ?? []) lines += journalLine(event);
    }
    for (const { key, value, expireIn } of mutations.values()) {
      if (value === undefined) atomic.delete(key);
      else if (expireIn) atomic.set(key, value, { expireIn });
      else atomic.set(key, value);
    }
    if (lines !== "") {
      // Not the time of day, which may be set at any moment.
      const at = Math.round(performance.timeOrigin + performance.now());
      batch.entrySize = setEntry(kv, atomic, entryLine(sid, at) + lines);
      atomic.set(keys.journalHead, sid);
    }
    return atomic;
  }

  /** Finds whose check no longer holds, settles those, and leaves the others in the batch. */
  async #dropLosers(batch: Batch): Promise<void> {
    const { kv, session, onfenced, onrenewed } = this.#options;
    const own = session?.();
    const now = own && (await kv.get(own.key)).versionstamp;
    if (now && now !== own?.versionstamp) return onrenewed?.(now);
    if (own && now === null) {
      this.#fenced = true;
      const writes = new Set([...batch.pieces.keys(), ...this.#queue]);
      if (this.#carried) writes.add(this.#carried[0]);
      this.#carried = null;
      batch.pieces.clear();
      this.#queue.clear();
      for (const write of writes) write.settle({ ok: false, reason: "fenced" });
      onfenced?.();
      return;
    }
    const pieces = [...batch.pieces];
    const known = await versionstamps(kv, pieces.flatMap(([, { checks = [] }]) => checks));
    for (const [write, { checks = [] }] of pieces) {
      if (checks.every(({ key, versionstamp }) => known.get(keyText(key)) === versionstamp)) {
        continue;
      }
      batch.pieces.delete(write);
      write.settle({ ok: false, reason: "conflict" });
    }
  }

  /** After an error: waits and says to try again; a piece that can never be stored is refused. */
  async #recover(batch: Batch, error: unknown, tries: number): Promise<boolean> {
    const { log } = this.#options;
    const settleAll = (reason: "closed" | "refused") => {
      for (const write of batch.pieces.keys()) write.settle({ ok: false, reason });
      batch.pieces.clear();
      return false;
    };
    const text = String(error);
    if (this.#closing.signal.aborted || /BadResource|closed/i.test(text)) {
      return settleAll("closed");
    }
    if (/too large|too many|could not be cloned/i.test(text)) {
      if (batch.pieces.size === 1) {
        log.error("a write can never be stored", { error });
        return settleAll("refused");
      }
      // Alone, each shows whether it is the one.
      const pieces = [...batch.pieces];
      batch.pieces.clear();
      for (const [write, piece] of pieces) await this.#commit(Batch.of(write, piece));
      return false;
    }
    this.#stalledAt ??= performance.now();
    this.failure = error;
    if (tries % 10 === 0) log.warn("a commit failed and is tried again", { error, tries });
    const ms = Math.min(500, 5 * 2 ** Math.min(tries, 8));
    await delay(ms, this.#closing.signal).catch(() => {});
    return true;
  }
}

/** The versionstamps that the keys of some checks have now, by the keys' text. */
async function versionstamps(
  kv: Deno.Kv,
  checks: readonly Deno.AtomicCheck[],
): Promise<Map<string, string | null>> {
  const wanted = [...new Map(checks.map(({ key }) => [keyText(key), key])).values()];
  const entries = await getMany(kv, wanted);
  return new Map(entries.map(({ key, versionstamp }) => [keyText(key), versionstamp]));
}
