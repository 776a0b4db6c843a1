/**
 * Passes on what is committed, here or in another process, to everyone in this process who wants to
 * know. Alone on its store, a process is told of its commits and reads nothing back; else it reads
 * the journal.
 *
 * @module
 */

import { makeCursor, parseCursor } from "./cursor.ts";
import { HeldEvents, type Hold } from "./held_events.ts";
import { HubEvent } from "./hub_event.ts";
import { JournalReader, readTail } from "./journal_reader.ts";
import { weightOf } from "../kv/event_text.ts";
import { PassedEntries } from "./passed_entries.ts";
import { PendingProgress } from "./pending_progress.ts";
import type { TaskEvent } from "../task/event.ts";
import type { Logger } from "../base/log.ts";
import { type Listener, type Topic, Topics } from "./topics.ts";

export interface HubOptions {
  kv: Deno.Kv;
  /** This process, to tell its own events. */
  sid: string;
  /** Names this store; the first part of each cursor. */
  epoch: string;
  /** No other process writes: {@link Hub.pass} is called with each commit. @default {false} */
  alone?: boolean;
  log: Logger;
}

export class Hub implements AsyncDisposable {
  /** What was passed on and is still in the journal. */
  readonly passed: PassedEntries = new PassedEntries();
  /** Progress that is in the journal and not in its task's head. */
  readonly pending: PendingProgress = new PendingProgress();
  readonly #options: HubOptions;
  readonly #topics = new Topics();
  readonly #held = new HeldEvents();
  #position = "";
  /** `null` for a process alone. */
  #reader: JournalReader | null = null;

  private constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Begins behind the newest entry that is there. */
  static async open(options: HubOptions): Promise<Hub> {
    const { kv, alone, log } = options;
    const hub = new Hub(options);
    const { position, events } = await readTail(kv);
    hub.#position = position;
    for (const event of events) hub.pending.note(event);
    if (!alone) {
      hub.#reader = new JournalReader({
        kv,
        position: () => hub.#position,
        onentry: (versionstamp, { sid, events }, size) => hub.pass(versionstamp, sid, events, size),
        log,
      });
    }
    return hub;
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
    const { epoch } = this.#options;
    return makeCursor({ epoch, versionstamp: this.#position, index: Infinity });
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

  /** This process has committed something; one that is alone passes it on itself. */
  wake(): void {
    this.#reader?.wake();
  }

  /** Resolves when everything committed before the call was passed on. */
  async caughtUp(): Promise<void> {
    await this.#reader?.caughtUp();
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

  /** Passes on what one commit tells. Commits come in the order of their versionstamps. */
  pass(versionstamp: string, writer: string, events: readonly TaskEvent[], size: number): void {
    const { epoch, sid } = this.#options;
    this.#position = versionstamp;
    this.passed.add(versionstamp, size, events.reduce((sum, event) => sum + weightOf(event), 0));
    const own = writer === sid;
    for (let n = 0; n < events.length; n++) {
      const event = events[n]!;
      this.pending.note(event);
      const held = this.#held.wanted;
      if (!held && !this.#topics.wants(event.id, event.kind, own)) continue;
      const index = n === events.length - 1 ? Infinity : n;
      const out = new HubEvent(event, own, () => makeCursor({ epoch, versionstamp, index }));
      if (held) this.#held.add(out);
      this.#topics.tell(out);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]();
  }
}
