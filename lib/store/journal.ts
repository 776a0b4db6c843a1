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

/** Milliseconds after which a commit without an answer counts as failed. */
const HANGS_MS = 1000;

/** The result of one try to commit. */
export type CommitEnd = "committed" | "conflict" | "failed";

export interface JournalOptions {
  kv: Deno.Kv;
  /** Names this process in its journal entries. */
  sid: string;
  /** The check of this process's session, called for each commit; `null` for none. */
  session?: () => Deno.AtomicCheck | null;
  /** Checks a commit may hold: 100 on SQLite, 10 over KV Connect. @default {10} */
  maxChecks?: number;
  /** Called after each commit that has events, with the bytes of its journal entry. */
  oncommit?: (versionstamp: string, events: TaskEvent[], size: number) => void;
  /** Called after each try to commit, with the milliseconds it took. */
  ontried?: (end: CommitEnd, ms: number) => void;
  /** Called once, when the session turns out to be gone. */
  onfenced?: () => void;
  /** Called when the session turns out to have been renewed, with its new versionstamp. */
  onrenewed?: (versionstamp: string) => void;
  log: Logger;
}

/**
 * The journal of one process. Commits run one after another while there is work; the events of one are
 * passed on while the next is in flight.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #queue = new Set<Write>();
  readonly #closing = new AbortController();
  #committing: Promise<void> | null = null;
  /** Callbacks that pass on the events of the last commit. */
  #pass: (() => void)[] = [];
  #taken = Promise.withResolvers<void>();
  /** A part that was rendered but did not fit into the last commit. */
  #carried: [Write, Part] | null = null;
  #fenced = false;

  /** Commits made; for metrics and tests. */
  commits = 0;
  #stalledAt: number | null = null;
  /** Why the last try failed; `null` if it did not. */
  failure: unknown = null;
  /** Fires when a commit has been in flight for `HANGS_MS`. */
  readonly #hangs = new AwakeTimer();

  /** Starts nothing: the first write starts the loop of commits. */
  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Milliseconds for which no commit has succeeded though some were tried; 0 when all is well. */
  get stalledMs(): number {
    return this.#stalledAt === null ? 0 : performance.now() - this.#stalledAt;
  }

  /** Queues a write: an urgent one goes first, any other that is queued already keeps its place. */
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

  /** Writes one part and resolves with the result. */
  write(part: Part): Promise<WriteResult> {
    const { promise, resolve } = Promise.withResolvers<WriteResult>();
    const size = (part.events ?? []).reduce((sum, event) => sum + eventSize(event), 0);
    this.touch({ render: (room) => size > room ? null : part, onresult: resolve });
    return promise;
  }

  /** Resolves when everything queued now was committed and passed on, or was given up. */
  passed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.touch({
      render: () => ({}),
      onresult: ({ ok }) => {
        if (!ok) resolve();
      },
      onpassed: resolve,
    });
    return promise;
  }

  /** Resolves when everything queued now was taken into a commit, so that more may be sent. */
  taken(): Promise<void> {
    return this.#waiting ? this.#taken.promise : Promise.resolve();
  }

  /** Resolves when nothing waits and no commit is in flight. */
  async idle(): Promise<void> {
    while (this.#committing !== null) await this.#committing;
  }

  /** Writes everything queued, then takes no more writes. */
  async close(): Promise<void> {
    await this.idle();
    this.#closing.abort();
  }

  /** Takes no more writes, and stops retrying a commit that fails. */
  async giveUp(): Promise<void> {
    this.#closing.abort();
    await this.idle();
  }

  get #waiting(): boolean {
    return this.#queue.size > 0 || this.#carried !== null;
  }

  async #loop(): Promise<void> {
    // One microtask later, the writes that are made together share a commit.
    await Promise.resolve();
    while (this.#waiting) {
      const batch = this.#take();
      if (!this.#waiting) {
        this.#taken.resolve();
        this.#taken = Promise.withResolvers();
      }
      const committing = this.#commit(batch);
      // The next commit is in flight by now, so the disk does not wait for sockets.
      this.#passOn();
      await committing;
    }
    this.#passOn();
    // Those who were told of a commit may have queued more.
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
      // A commit takes one part of each write: what was carried over goes before what came since.
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
        // The write no longer holds what it rendered, so this part is the only copy.
        this.#carried = [write, part];
        break;
      }
      if (part.more) break;
    }
    return batch;
  }

  /** Puts a write before all others, so that the next commit has its whole room for it. */
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
        // A commit that neither succeeds nor fails counts as failed.
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

  /** Takes the writes whose checks failed out of the batch, and ends them with a conflict. */
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

  /** Waits after an error. Returns whether to try again; a part that can never be stored is refused. */
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
      // Each is committed alone, to find the one that is too large.
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
