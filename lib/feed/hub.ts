/**
 * Passes on what is committed, here or in another process, to everyone in this process who wants
 * to know: one `watch()` as a wake-up, one read of the journal behind a cursor, however many tasks
 * and clients there are. Alone on its store, a process is told of its commits and reads nothing back.
 *
 * @module
 */

import { makeCursor, parseCursor } from "./cursor.ts";
import { HeldEvents, type Hold } from "./held_events.ts";
import { HubEvent } from "./hub_event.ts";
import { entrySize, readEntry } from "../kv/journal_entry.ts";
import { keys } from "../kv/keys.ts";
import { parseJournal, weightOf } from "../kv/event_text.ts";
import { PassedEntries } from "./passed_entries.ts";
import type { TaskEvent } from "../task/event.ts";
import { HEAD_LAG_MS } from "../kv/head.ts";
import type { Logger } from "../base/log.ts";
import type { Head } from "../kv/head.ts";
import { idOf, seqOf } from "../task/json_text.ts";
import { type Listener, type Topic, Topics } from "./topics.ts";

/** What {@link Hub} takes. */
export interface HubOptions {
  /** The one handle of this process. */
  kv: Deno.Kv;
  /** This process, to tell its own events. */
  sid: string;
  /** Names this store; the first part of each cursor. */
  epoch: string;
  /** No other process writes: {@link Hub.pass} is called with each commit. @default {false} */
  alone?: boolean;
  /** Where trouble is told. */
  log: Logger;
}

/** Milliseconds of the journal read at the start: heads lag less behind it. */
const AHEAD_MS = 4 * HEAD_LAG_MS;

/** See the module. */
export class Hub implements AsyncDisposable {
  /** What was passed on and is still in the journal. */
  readonly passed: PassedEntries = new PassedEntries();
  readonly #options: HubOptions;
  readonly #topics = new Topics();
  readonly #held = new HeldEvents();
  /** Progress that is in the journal and not in its task's head. */
  readonly #ahead = new Map<string, TaskEvent>();
  /** The versionstamp of the newest entry passed on. */
  #position = "";
  #pumping: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #watcher: ReadableStreamDefaultReader<unknown> | undefined;
  #watching: Promise<void> | undefined;

  /** See {@link Hub.open}. */
  private constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Begins behind the newest entry that is there. */
  static async open(options: HubOptions): Promise<Hub> {
    const hub = new Hub(options);
    await hub.#readAhead();
    if (!options.alone) hub.#watching = hub.#watch();
    return hub;
  }

  /** A head as read, with the progress that the journal knows beyond it. */
  freshen(stored: Head): Head {
    if (this.#ahead.size === 0) return stored;
    const event = this.#ahead.get(idOf(stored.record));
    if (!event || event.seq <= seqOf(stored.record)) return stored;
    return { ...stored, record: event.json };
  }

  /** This process. */
  get sid(): string {
    return this.#options.sid;
  }

  /** Names this store. */
  get epoch(): string {
    return this.#options.epoch;
  }

  /** The versionstamp of the newest entry passed on; empty before the first. */
  get position(): string {
    return this.#position;
  }

  /** The cursor of the newest event passed on. */
  get cursor(): string {
    return makeCursor({
      epoch: this.#options.epoch,
      versionstamp: this.#position,
      index: Infinity,
    });
  }

  /** How many listen; see {@link Topics.size}. */
  get listeners(): number {
    return this.#topics.size;
  }

  /** Calls `listener` with each event of the topic from now on; returns how to stop. */
  listen(topic: Topic, listener: Listener): () => void {
    return this.#topics.listen(topic, listener);
  }

  /** Holds what is passed on from now on, for whoever reads what was before. */
  hold(): Hold {
    return this.#held.hold();
  }

  /** Resolves with the first event of a task that `wanted` picks, or `null` at the signal. */
  next(
    id: string,
    wanted: (event: TaskEvent) => boolean,
    signal: AbortSignal,
  ): Promise<TaskEvent | null> {
    const { promise, resolve } = Promise.withResolvers<TaskEvent | null>();
    const stop = this.listen({ ids: [id] }, ({ event }) => {
      if (wanted(event)) resolve(event);
    });
    const aborted = () => resolve(null);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) resolve(null);
    return promise.finally(() => {
      stop();
      signal.removeEventListener("abort", aborted);
    });
  }

  /** Reads the journal on: called by the watch, and right after a commit of this process. */
  pump(): void {
    if (this.#options.alone) return;
    this.#again = true;
    this.#pumping ??= this.#pump().finally(() => this.#pumping = null);
  }

  /** Resolves when everything committed before the call was passed on. */
  async caughtUp(): Promise<void> {
    this.pump();
    while (this.#pumping) await this.#pumping;
  }

  /**
   * Resolves when the event of a client's cursor has come here: another process may have shown it
   * already. At once for one that is none of ours.
   */
  async reach(cursor: string): Promise<void> {
    const at = parseCursor(cursor);
    if (at?.epoch === this.#options.epoch && at.versionstamp > this.#position) {
      await this.caughtUp();
    }
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#watcher?.cancel().catch(() => {});
    await this.#watching;
    while (this.#pumping) await this.#pumping;
  }

  async #watch(): Promise<void> {
    const { kv, log } = this.#options;
    while (!this.#closed) {
      try {
        this.#watcher = kv.watch([keys.journalHead]).getReader();
        while (!(await this.#watcher.read()).done) this.pump();
      } catch (error) {
        if (!this.#closed) log.warn("the watch broke and is begun again", { error });
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #pump(): Promise<void> {
    const { kv, log } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const start = [...keys.journal, `${this.#position}\u0000`];
        const entries = kv.list<Uint8Array>({ prefix: keys.journal, start }, { batchSize: 100 });
        for await (const { key, value } of entries) {
          const versionstamp = String(key[1]);
          const bytes = await readEntry(kv, versionstamp, value);
          if (bytes === null) continue;
          const { sid, events } = parseJournal(bytes);
          this.pass(versionstamp, sid, events, entrySize(value));
        }
      } catch (error) {
        if (this.#closed) return;
        log.warn("the journal could not be read and is tried again", { error });
        await new Promise((resolve) => setTimeout(resolve, 50));
        this.#again = true;
      }
    }
  }

  /** Learns from the end of the journal which heads lag behind it. */
  async #readAhead(): Promise<void> {
    const { kv } = this.#options;
    const entries = kv.list<Uint8Array>({ prefix: keys.journal }, { reverse: true, batchSize: 20 });
    const tail: TaskEvent[][] = [];
    const newest = new Map<string, number>();
    for await (const { key, value } of entries) {
      if (this.#position === "") this.#position = String(key[1]);
      const bytes = await readEntry(kv, String(key[1]), value);
      if (bytes === null) break;
      const { sid, at, events } = parseJournal(bytes);
      if (!newest.has(sid)) newest.set(sid, at);
      if (at < newest.get(sid)! - AHEAD_MS) break;
      tail.push(events);
    }
    for (const events of tail.reverse()) for (const event of events) this.#noteAhead(event);
  }

  #noteAhead(event: TaskEvent): void {
    if (event.type === "progress") this.#ahead.set(event.id, event);
    else if (this.#ahead.size > 0 && event.type !== "cancel") this.#ahead.delete(event.id);
  }

  /** Passes on what one commit tells. Commits come in the order of their versionstamps. */
  pass(versionstamp: string, writer: string, events: readonly TaskEvent[], size: number): void {
    const { epoch, sid } = this.#options;
    this.#position = versionstamp;
    this.passed.add(versionstamp, size, events.reduce((sum, event) => sum + weightOf(event), 0));
    const own = writer === sid;
    for (let n = 0; n < events.length; n++) {
      const event = events[n]!;
      this.#noteAhead(event);
      const held = this.#held.wanted;
      if (!held && !this.#topics.wants(event.id, event.kind, own)) continue;
      const out = new HubEvent(
        event,
        own,
        () => {
          const index = n === events.length - 1 ? Infinity : n;
          return makeCursor({ epoch, versionstamp, index });
        },
      );
      if (held) this.#held.add(out);
      this.#topics.tell(out);
    }
  }
}
