/**
 * The engine: all of a process but its HTTP half. Its parts open in the order in which they need
 * each other, and close in the opposite order.
 *
 * @module
 */

import {
  createPools,
  type EngineOptions,
  type EngineParts,
  openEngineParts,
} from "./engine_parts.ts";
import type { Feed } from "./feed/feed.ts";
import type { Hub } from "./feed/hub.ts";
import type { Heads } from "./kv/heads.ts";
import type { JournalRetention } from "./cluster/journal_retention.ts";
import { keys } from "./kv/keys.ts";
import type { Pauses } from "./cluster/pauses.ts";
import type { KindBook } from "./cluster/kind_book.ts";
import type { Reaper } from "./cluster/reaper.ts";
import type { Kinds } from "./runner/kinds.ts";
import type { Run } from "./runner/run.ts";
import type { Runner } from "./runner/runner.ts";
import type { TaskPools } from "./runner/task_pools.ts";
import type { Scheduler } from "./schedule/scheduler.ts";
import type { Schedules } from "./schedule/schedules.ts";
import type { Session } from "./cluster/session.ts";
import { readSession, type SessionInfo } from "./kv/sessions.ts";
import { toldKeys, type ToldModule } from "./kv/told_kinds.ts";
import type { Store } from "./store/store.ts";
import { isFinished } from "./task/record.ts";
import type { Sweeper } from "./cluster/sweeper.ts";
import type { Artifacts } from "./kv/artifacts.ts";
import type { Uploads } from "./kv/uploads.ts";
import type { Dispatcher } from "./webhooks/dispatcher.ts";
import type { Deliveries } from "./webhooks/deliveries.ts";

export class Engine {
  readonly store: Store;
  readonly hub: Hub;
  readonly heads: Heads;
  readonly feed: Feed;
  readonly uploads: Uploads;
  readonly artifacts: Artifacts;
  /** The deliveries of webhooks: those that wait and those that were made. */
  readonly deliveries: Deliveries;
  readonly webhooks: NonNullable<EngineOptions["webhooks"]>;
  readonly kinds: Kinds;
  readonly pools: TaskPools<Run>;
  readonly kindBook: KindBook;
  readonly pauses: Pauses;
  /** `null` in a `web` process. */
  readonly runner: Runner | null;
  readonly schedules: Schedules;
  /** `null` in a `web` process. */
  readonly scheduler: Scheduler | null;
  readonly reaper: Reaper;
  readonly sweeper: Sweeper;
  readonly journalRetention: JournalRetention;
  readonly #session: Session;
  /** `null` in a `web` process. */
  readonly #dispatcher: Dispatcher | null;
  #tasksStopped: Promise<void> | undefined;
  #untell: () => void = () => {};

  private constructor(parts: EngineParts) {
    this.store = parts.store;
    this.hub = parts.hub;
    this.heads = parts.heads;
    this.feed = parts.feed;
    this.uploads = parts.uploads;
    this.artifacts = parts.artifacts;
    this.deliveries = parts.deliveries;
    this.webhooks = parts.webhooks;
    this.kinds = parts.kinds;
    this.pools = parts.pools;
    this.kindBook = parts.kindBook;
    this.pauses = parts.pauses;
    this.runner = parts.runner;
    this.schedules = parts.schedules;
    this.scheduler = parts.scheduler;
    this.reaper = parts.reaper;
    this.sweeper = parts.sweeper;
    this.journalRetention = parts.journalRetention;
    this.#session = parts.session;
    this.#dispatcher = parts.dispatcher;
  }

  /** Registers this process, takes over the tasks of dead ones, and starts to run tasks. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { alone } = options;
    const stalled = Promise.withResolvers<never>();
    stalled.promise.catch(() => {});
    const pools = createPools(options);
    // Task processes load their modules while the store is read.
    pools.start();
    const parts = await openEngineParts(options, pools, ({ journal: { failure, stalledMs } }) => {
      // The local disk accepts no writes: if we waited for it, the start might never end.
      if (alone && failure !== null && stalledMs > BEGIN_MS) stalled.reject(failure);
    }).catch(async (error) => {
      await pools.close();
      throw error;
    });
    const { store, hub, kinds, kindBook, pauses, runner, scheduler, session, dispatcher } = parts;
    const engine = new Engine(parts);
    const beginning = engine.#startCleaning(alone);
    beginning.catch(() => {});
    try {
      await Promise.race([beginning, stalled.promise]);
      kinds.recall(await kindBook.recall());
      if (runner) engine.#tellKinds();
      await runner?.start();
      dispatcher?.start();
      if (scheduler) engine.#startSchedules(scheduler);
      return engine;
    } catch (error) {
      session[Symbol.dispose]();
      await runner?.abandon();
      engine.#untell();
      await pools.close();
      await engine.#stopCleaning();
      await store.families.stop();
      await dispatcher?.stop(0);
      await store.journal.giveUp();
      await beginning.catch(() => {});
      store[Symbol.dispose]();
      await pauses[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The modules of all processes that run tasks. */
  async modules(): Promise<ToldModule[]> {
    const own = this.runner ? this.kinds.toldModules() : [];
    return [...own, ...await this.kindBook.others()];
  }

  /** Tells other processes, from now on, which kinds run here. */
  #tellKinds(): void {
    const { kinds, kindBook } = this;
    const tell = () => kindBook.tell(kinds.toldModules(), kinds.describedKinds());
    kinds.onchange.add(tell);
    this.#untell = () => kinds.onchange.delete(tell);
    tell();
  }

  #startSchedules(scheduler: Scheduler): void {
    const { kinds, store } = this;
    const changed = () => scheduler.wake();
    kinds.onchange.add(changed);
    const untell = this.#untell;
    this.#untell = () => {
      untell();
      kinds.onchange.delete(changed);
    };
    store.onmoved = ({ record: { schedule_id, status } }) => {
      if (schedule_id !== undefined && isFinished(status)) scheduler.wake(schedule_id);
    };
    scheduler.start();
  }

  /** Milliseconds since a session last showed that it lives, as far as this process can tell. */
  silenceOf(sid: string): number {
    return sid === this.store.sid ? 0 : this.reaper.silenceOf(sid);
  }

  /** Reads a session, such as a task's owner; `null` if it has ended. */
  sessionOf(sid: string): Promise<SessionInfo | null> {
    return readSession(this.store.kv, sid);
  }

  /**
   * Checks that the store answers.
   *
   * @throws {Error} If it does not.
   */
  async requireAnswer(): Promise<void> {
    await this.store.kv.get(keys.epoch);
  }

  /** See {@link Runner.stop}. Everything else goes on. */
  stopTasks(graceMs: number, quiesceMs = 0): Promise<void> {
    return this.#tasksStopped ??= this.runner?.stop(graceMs, quiesceMs) ?? Promise.resolve();
  }

  /** Returns the tasks of dead sessions first: nothing is removed before that. */
  async #startCleaning(alone: boolean): Promise<void> {
    await this.reaper.start(alone);
    this.sweeper.start();
    this.journalRetention.start();
  }

  async #stopCleaning(): Promise<void> {
    const { scheduler, reaper, sweeper, journalRetention } = this;
    await Promise.all([scheduler, reaper, sweeper, journalRetention].map((it) => it?.stop()));
  }

  /** Stops tasks at their next `yield` or after `graceMs`, writes what is left, and ends the session. */
  async close(graceMs: number): Promise<void> {
    await this.stopTasks(graceMs);
    await this.pools.close();
    this.#untell();
    await this.#stopCleaning();
    const { journal, kv, sid, families } = this.store;
    await families.stop();
    await this.#dispatcher?.stop();
    await this.kindBook.idle();
    await journal.idle();
    await journal.write({ deletes: [keys.session(sid), ...await toldKeys(kv, sid)] });
    this.#session[Symbol.dispose]();
    this.store[Symbol.dispose]();
    await journal.close();
    await this.pauses[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }

  /** Closes everything without a write: this process was fenced. */
  async abandon(): Promise<void> {
    this.#untell();
    this.#session[Symbol.dispose]();
    await this.runner?.abandon();
    await this.pools.close();
    await this.#stopCleaning();
    await this.store.families.stop();
    await this.#dispatcher?.stop(0);
    this.store[Symbol.dispose]();
    await this.store.journal.close();
    await this.pauses[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

/** Milliseconds for which a store that only this process has may accept no write at the start. */
const BEGIN_MS = 2000;
