/**
 * Passes on what happens, here or in another process, to everything in this process that listens:
 * what is committed, and progress that is shown before that. `watch()` tells when there is more to
 * read in the journal; what the hub was told of directly, it does not read again.
 *
 * @module
 */

import { makeCursor, parseCursor } from "./cursor.ts";
import { HeldEvents, type Hold } from "./held_events.ts";
import { HubEvent } from "./hub_event.ts";
import { JournalReader, readTail } from "./journal_reader.ts";
import { weightOf } from "../kv/event_text.ts";
import { PassedEntries } from "./passed_entries.ts";
import { PendingTasks } from "./pending_tasks.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Logger } from "../base/log.ts";
import { type Listener, type Topic, Topics } from "./topics.ts";

export interface HubOptions {
  kv: Deno.Kv;
  /** This process's session, by which its own events are recognized. */
  sid: string;
  /** Names this store; the first part of each cursor. */
  epoch: string;
  log: Logger;
}

export class Hub implements AsyncDisposable {
  /** The entries that were passed on and are still in the journal. */
  readonly passed: PassedEntries = new PassedEntries();
  /** The pending state of tasks. */
  readonly pending: PendingTasks;
  readonly #options: HubOptions;
  readonly #topics = new Topics();
  readonly #held = new HeldEvents();
  readonly #reader: JournalReader;
  #position: string;
  #cursor: string;

  private constructor(options: HubOptions, position: string, pending: PendingTasks) {
    const { kv, log } = options;
    this.#options = options;
    this.pending = pending;
    this.#position = position;
    this.#cursor = makeCursor({ epoch: options.epoch, versionstamp: position, index: Infinity });
    this.#reader = new JournalReader({
      kv,
      position: () => this.#position,
      onentry: (versionstamp, { sid, events }, size) => this.pass(versionstamp, sid, events, size),
      log,
    });
  }

  /** Begins after the newest entry of the journal. */
  static async open(options: HubOptions): Promise<Hub> {
    const pending = new PendingTasks();
    const position = await readTail(options.kv, (versionstamp, { events }) => {
      for (const event of events) pending.note(versionstamp, event);
    });
    return new Hub(options, position, pending);
  }

  get sid(): string {
    return this.#options.sid;
  }

  get epoch(): string {
    return this.#options.epoch;
  }

  /** The versionstamp of the newest entry passed on; empty before the first. */
  get position(): string {
    return this.#position;
  }

  /** The cursor of the newest event passed on. */
  get cursor(): string {
    return this.#cursor;
  }

  /** How many listeners there are, see {@link Topics.size}. */
  get listeners(): number {
    return this.#topics.size;
  }

  /** Calls `listener` with each event of the topic from now on; the returned function stops that. */
  listen(topic: Topic, listener: Listener): () => void {
    return this.#topics.listen(topic, listener);
  }

  /** Holds what is passed on from now on, for a reader of what came before. */
  hold(): Hold {
    return this.#held.hold();
  }

  /** Resolves with the next event of a task that `wanted` picks, or `null` when the signal aborts. */
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

  /** Call when the journal may hold new entries: it is read on from the position. */
  wake(): void {
    this.#reader.wake();
  }

  /** Resolves when everything committed before the call was passed on. */
  async caughtUp(): Promise<void> {
    await this.#reader.caughtUp();
  }

  /**
   * Resolves when the event of a client's cursor was passed on here: another process may have shown it
   * to the client before. Resolves at once for a cursor of another store.
   */
  async reach(cursor: string): Promise<void> {
    const at = parseCursor(cursor);
    if (at?.epoch === this.#options.epoch && at.versionstamp > this.#position) {
      await this.caughtUp();
    }
  }

  /** Whether anybody here listens to a task of this process, or is about to. */
  isWatched(id: string, kind: string): boolean {
    return this.#held.wanted || this.#topics.wants(id, kind, true);
  }

  /** Passes on progress of a task of this process that is in no commit yet. */
  show(event: TaskEvent): void {
    this.pending.show(event);
    const { cursor } = this;
    this.#tell(event, true, () => cursor);
  }

  /**
   * Passes on the events of one commit. Commits come in the order of their versionstamps; one that was
   * passed on before is ignored.
   */
  pass(versionstamp: string, writer: string, events: readonly TaskEvent[], size: number): void {
    if (versionstamp <= this.#position) return;
    const { epoch, sid } = this.#options;
    this.#position = versionstamp;
    this.#cursor = makeCursor({ epoch, versionstamp, index: Infinity });
    this.passed.add(versionstamp, size, events.reduce((sum, event) => sum + weightOf(event), 0));
    const own = writer === sid;
    for (let n = 0; n < events.length; n++) {
      const event = events[n]!;
      const index = n === events.length - 1 ? Infinity : n;
      if (this.pending.note(versionstamp, event) || !isTold(event)) continue;
      this.#tell(event, own, () => makeCursor({ epoch, versionstamp, index }));
    }
  }

  #tell(event: TaskEvent, own: boolean, cursor: () => string): void {
    const held = this.#held.wanted;
    if (!held && !this.#topics.wants(event.id, event.kind, own)) return;
    const out = new HubEvent(event, own, cursor);
    if (held) this.#held.add(out);
    this.#topics.tell(out);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
  }
}

/** Whether listeners get an event: `checkpoint` and `folded` concern the pending state alone. */
function isTold({ type }: TaskEvent): boolean {
  return type !== "checkpoint" && type !== "folded";
}
