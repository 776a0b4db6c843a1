/**
 * The journal and its group commit: the one way into the store for everything that happens.
 *
 * While a commit is in flight, writes gather, and the next commit takes them all. A write is
 * rendered (`render`) only when it is taken, so that all changes in between are conflated. Each
 * commit checks this process's session, so that nothing lands after the session was reaped.
 *
 * @module
 */

import { AwakeTimer } from "../base/awake_timer.ts";
import { Batch } from "./batch.ts";
import { eventSize } from "../kv/event_text.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Logger } from "../base/log.ts";
import { delay } from "../task/delay.ts";
import type { Part, Write, WriteResult } from "./write.ts";

/** Milliseconds after which a commit without an answer counts as one that fails. */
const HANGS_MS = 1000;

/** How a try to commit went. */
export type CommitEnd = "committed" | "conflict" | "failed";

export interface JournalOptions {
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
  log: Logger;
}

/**
 * The journal of one process. Commits run one after another for as long as there is work; what one of
 * them told is passed on while the next is under way.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #queue = new Set<Write>();
  readonly #closing = new AbortController();
  #committing: Promise<void> | null = null;
  /** Passes on what was committed last. */
  #pass: (() => void)[] = [];
  #taken = Promise.withResolvers<void>();
  /** Rendered, but more than there was room for in the last commit. */
  #carried: [Write, Part] | null = null;
  #fenced = false;

  /** Commits made; for metrics and tests. */
  commits = 0;
  #stalledAt: number | null = null;
  /** Why the last try failed; `null` where it did not. */
  failure: unknown = null;
  /** Goes off while a commit is in flight for long. */
  readonly #hangs = new AwakeTimer();

  /** Nothing is started: the first write starts the loop. */
  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Milliseconds for which no commit has succeeded though some were tried; 0 when all is well. */
  get stalledMs(): number {
    return this.#stalledAt === null ? 0 : performance.now() - this.#stalledAt;
  }

  /** Adds a write; one that already waits stays where it is. */
  touch(write: Write): void {
    if (this.#closing.signal.aborted || this.#fenced) {
      queueMicrotask(() =>
        write.onresult({ ok: false, reason: this.#fenced ? "fenced" : "closed" })
      );
      return;
    }
    if (write.urgent) this.#putFirst(write);
    else this.#queue.add(write);
    this.#committing ??= this.#loop();
  }

  /** Writes one part and resolves with how it ended. */
  write(part: Part): Promise<WriteResult> {
    const { promise, resolve } = Promise.withResolvers<WriteResult>();
    const size = (part.events ?? []).reduce((sum, event) => sum + eventSize(event), 0);
    this.touch({ render: (room) => size > room ? null : part, onresult: resolve });
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
      const committing = this.#commit(batch);
      // The disk need not wait for sockets: the next commit is on its way.
      this.#passOn();
      await committing;
    }
    this.#passOn();
    // Whoever was told may have more to write.
    this.#committing = this.#waiting ? this.#loop() : null;
  }

  #passOn(): void {
    for (const pass of this.#pass.splice(0)) pass();
  }

  #take(): Batch {
    const batch = new Batch((this.#options.maxChecks ?? 10) - 1);
    if (this.#carried) batch.add(...this.#carried);
    this.#carried = null;
    for (const write of this.#queue) {
      if (batch.full) break;
      // One part of a write a commit: what was carried over goes before what came since.
      if (batch.has(write)) continue;
      const part = write.render(batch.room);
      if (part === null && batch.size > 0) {
        this.#putFirst(write);
        break;
      }
      this.#queue.delete(write);
      if (part === null) {
        this.#options.log.error("a write can never be stored: it is larger than a commit");
        write.onresult({ ok: false, reason: "refused" });
        continue;
      }
      if (part.more) this.#queue.add(write);
      if (!batch.add(write, part)) {
        // It is rendered, and what it holds is nowhere else.
        this.#carried = [write, part];
        break;
      }
      if (part.more) break;
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
    const { kv, session, sid, oncommit, ontried } = this.#options;
    for (let tries = 0; batch.size > 0; tries++) {
      let result: Deno.KvCommitResult | Deno.KvCommitError;
      const begun = performance.now();
      const tried = (end: CommitEnd) => ontried?.(end, performance.now() - begun);
      try {
        const atomic = batch.atomic(kv, session?.() ?? null, sid);
        // One that neither succeeds nor fails is no better than one that fails.
        this.#hangs.set(HANGS_MS, () => this.#stalledAt ??= begun);
        result = await atomic.commit();
        this.#hangs.clear();
      } catch (error) {
        this.#hangs.clear();
        tried("failed");
        if (!await this.#recover(batch, error, tries)) return;
        continue;
      }
      this.#stalledAt = this.failure = null;
      tried(result.ok ? "committed" : "conflict");
      if (result.ok) {
        this.commits++;
        const { versionstamp } = result;
        const { hasEvents, events, entrySize, writes } = batch;
        batch.end({ ok: true, versionstamp });
        this.#pass.push(() => {
          if (hasEvents) oncommit?.(versionstamp, events, entrySize);
          for (const write of writes) write.onpassed?.();
        });
        return;
      }
      await this.#dropLosers(batch);
    }
  }

  /** Finds whose check no longer holds, tells those, and leaves the others in the batch. */
  async #dropLosers(batch: Batch): Promise<void> {
    const { kv, session, onfenced, onrenewed } = this.#options;
    const own = session?.();
    const now = own && (await kv.get(own.key)).versionstamp;
    if (now && now !== own?.versionstamp) return onrenewed?.(now);
    if (own && now === null) {
      this.#fenced = true;
      const writes = new Set([...batch.takeOut().map(([write]) => write), ...this.#queue]);
      if (this.#carried) writes.add(this.#carried[0]);
      this.#carried = null;
      this.#queue.clear();
      for (const write of writes) write.onresult({ ok: false, reason: "fenced" });
      onfenced?.();
      return;
    }
    for (const write of await batch.takeLosers(kv)) {
      write.onresult({ ok: false, reason: "conflict" });
    }
  }

  /** After an error: waits and says to try again; a part that can never be stored is refused. */
  async #recover(batch: Batch, error: unknown, tries: number): Promise<boolean> {
    const { log } = this.#options;
    const endAll = (reason: "closed" | "refused") => {
      batch.end({ ok: false, reason });
      return false;
    };
    const text = String(error);
    if (this.#closing.signal.aborted || /BadResource|closed/i.test(text)) {
      return endAll("closed");
    }
    if (/too large|too many|could not be cloned/i.test(text)) {
      if (batch.size === 1) {
        log.error("a write can never be stored", { error });
        return endAll("refused");
      }
      // Alone, each shows whether it is the one.
      for (const [write, part] of batch.takeOut()) await this.#commit(Batch.of(write, part));
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
