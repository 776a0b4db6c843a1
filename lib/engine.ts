/**
 * Everything behind the HTTP half of a process: opened in the order in which the parts need each
 * other, closed in the opposite order.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import { byteLength } from "./base/bytes.ts";
import type { FreeSpace } from "./kv/free_space.ts";
import { createFeed, type Feed } from "./feed/feed.ts";
import { Hub } from "./feed/hub.ts";
import { Heads } from "./kv/heads.ts";
import { JournalRetention } from "./cluster/journal_retention.ts";
import { keys } from "./kv/keys.ts";
import type { Logger } from "./base/log.ts";
import type { Metrics } from "./base/metrics.ts";
import { Pauses } from "./cluster/pauses.ts";
import { KindBook } from "./cluster/kind_book.ts";
import { Reaper } from "./cluster/reaper.ts";
import type { Kinds } from "./runner/kinds.ts";
import type { Run } from "./runner/run.ts";
import { Runner } from "./runner/runner.ts";
import { UncheckedError } from "./runner/checks.ts";
import { TaskPools, type TaskPoolsOptions } from "./runner/task_pools.ts";
import { type CheckedInput, Scheduler } from "./schedule/scheduler.ts";
import { Schedules } from "./schedule/schedules.ts";
import { Session } from "./cluster/session.ts";
import { readSession, type SessionInfo } from "./kv/sessions.ts";
import { toldKeys, type ToldModule } from "./kv/told_kinds.ts";
import { Store } from "./store/store.ts";
import type { Part } from "./store/write.ts";
import type { ArtifactBounds } from "./runner/artifact_transfers.ts";
import type { RowBounds } from "./store/trim.ts";
import type { OnError } from "./task/on_error.ts";
import { MAX_ARTIFACTS } from "./task/artifact_list.ts";
import { MAX_JSON } from "./task/limits.ts";
import { isFinished } from "./task/record.ts";
import type { RetentionMs } from "./cluster/old_tasks.ts";
import { Sweeper } from "./cluster/sweeper.ts";
import { Artifacts } from "./kv/artifacts.ts";
import { Uploads } from "./kv/uploads.ts";
import { Dispatcher } from "./webhooks/dispatcher.ts";
import { Outbox } from "./webhooks/outbox.ts";
import type { PostOptions } from "./webhooks/post.ts";
import { Reach } from "./webhooks/reach.ts";

export interface EngineOptions {
  /** Stays open. */
  kv: Deno.Kv;
  /** No other process can have this store: all old sessions are dead, and a commit may check more keys. */
  alone: boolean;
  role: "all" | "web" | "worker";
  /** Also known by the next engine, when this one is fenced. */
  kinds: Kinds;
  startProcess: TaskPoolsOptions<Run>["startProcess"];
  explain?: NonNullable<TaskPoolsOptions<Run>["explain"]>;
  processes: number;
  /** Tasks at once in each task process. */
  concurrency: number;
  /** Milliseconds in which a task process must have loaded its module. @default {60_000} */
  loadMs?: number;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Milliseconds. */
  leaseMs: number;
  /** How long a finished task is kept that says nothing of it. */
  retentionMs: RetentionMs;
  /** What is kept of each task's rows. */
  rowBounds: RowBounds;
  /** What each task may keep of artifacts. @default {100, each of any size} */
  artifactBounds?: ArtifactBounds;
  /** Bytes that all uploads may take together. @default {Infinity} */
  uploadQuota?: number;
  /** Bytes that all artifacts may take together. @default {Infinity} */
  artifactQuota?: number;
  /** Schedules that may be made, beside those of kinds. @default {1000} */
  maxSchedules?: number;
  /** What uploads and artifacts may still take of the disk. @default {anything} */
  space?: FreeSpace | undefined;
  /** How webhooks are sent, and what signs them. @default {to the internet, signed by none} */
  webhooks?: PostOptions & { secrets: readonly string[] };
  /** Called once, when another process has taken this one for dead: it can only open a new engine. */
  onfenced?: () => void;
  metrics?: Metrics;
  /** Told of each attempt that fails here. */
  onError?: OnError | undefined;
  log: Logger;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

export class Engine {
  readonly store: Store;
  readonly hub: Hub;
  readonly heads: Heads;
  readonly feed: Feed;
  readonly uploads: Uploads;
  readonly artifacts: Artifacts;
  /** What webhooks have to tell, and have told. */
  readonly outbox: Outbox;
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

  private constructor(
    parts: Pick<
      Engine,
      | "store"
      | "hub"
      | "uploads"
      | "artifacts"
      | "outbox"
      | "webhooks"
      | "kinds"
      | "pools"
      | "kindBook"
      | "pauses"
      | "runner"
      | "schedules"
      | "scheduler"
      | "reaper"
      | "sweeper"
      | "journalRetention"
    >,
    session: Session,
    dispatcher: Dispatcher | null,
  ) {
    this.store = parts.store;
    this.hub = parts.hub;
    const { kv, heads } = parts.store;
    this.heads = heads;
    this.feed = createFeed(kv, parts.hub, heads);
    this.uploads = parts.uploads;
    this.artifacts = parts.artifacts;
    this.outbox = parts.outbox;
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
    this.#session = session;
    this.#dispatcher = dispatcher;
  }

  /** Registers this process, takes over the tasks of dead ones, and starts to run tasks. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { kv, alone, role, leaseMs, metrics, log, onfenced, now = Date.now } = options;
    const sid = ulid();
    const epoch = await readEpoch(kv);
    const restoredAt = (await kv.get<number>(keys.restored)).value ?? 0;
    const info = {
      host: hostname(),
      pid: Deno.pid,
      role,
      started_at: new Date(now()).toISOString(),
    };
    const session = await Session.open(kv, sid, info, leaseMs, now);
    const hub = await Hub.open({ kv, sid, epoch, log });
    const stalled = Promise.withResolvers<never>();
    stalled.promise.catch(() => {});
    const store = new Store({
      kv,
      sid,
      log,
      now,
      maxChecks: alone ? CHECKS_LOCAL : CHECKS_REMOTE,
      session: () => session.check(),
      onrenewed: (versionstamp) => session.renewed(versionstamp),
      ontried: (end, ms) => {
        metrics?.tried(end, ms);
        // Its own disk takes no writes: to wait for it would be a start without an end.
        const { failure, stalledMs } = store.journal;
        if (alone && failure !== null && stalledMs > BEGIN_MS) stalled.reject(failure);
      },
      oncommit: (versionstamp, events, size) => {
        metrics?.committed(events);
        if (alone) hub.pass(versionstamp, sid, events, size);
        else hub.wake();
      },
      heads: new Heads(kv, hub.pending),
      caughtUp: () => hub.caughtUp(),
      // Others hear of it from the journal alone.
      show: alone ? (event) => hub.show(event) : undefined,
      watched: (id, kind) => hub.isWatched(id, kind),
      restoredAt,
      ...(onfenced ? { onfenced } : {}),
    });
    session.keep(store.journal, () => hub.pending.oldest ?? hub.position);
    const { uploadQuota: quota = Infinity, space } = options;
    // A KV server takes several writes at once, each of which waits for the network.
    const uploads = new Uploads({ kv, sid, quota, space, now, atOnce: alone ? 1 : 8 });
    const { arrivals } = uploads;
    const artifacts = new Artifacts({ kv, arrivals, quota: options.artifactQuota, now });
    const reaper = new Reaper({ ...options, store, hub });
    const sweeper = new Sweeper({ ...options, store, uploads, artifacts });
    const isElected = () => sweeper.isElected();
    const journalRetention = new JournalRetention({ store, hub, isElected, log });
    const workers = () => reaper.workers;
    // What only checks inputs needs one process a module.
    const checksOnly = role === "web";
    const processes = checksOnly ? 1 : options.processes;
    const pools = new TaskPools<Run>({ ...options, processes, checksOnly });
    const kindBook = new KindBook({ store, log });
    const pauses = await Pauses.open({ store, log });
    const runner = role === "web" ? null : new Runner({
      ...options,
      pools,
      pauses,
      store,
      hub,
      uploads,
      artifacts,
      artifactBounds: options.artifactBounds ?? { bytes: Infinity, count: MAX_ARTIFACTS },
      workers,
      elsewhere: (kind) => kindBook.elsewhere(kind),
      // As many as three commits hold, each with a check beside those of the session and the pauses.
      alone,
      claimsAtOnce: alone ? Infinity : 3 * (CHECKS_REMOTE - 2),
    });
    const write = (part: Part) => store.journal.write(part);
    const outbox = new Outbox({ kv, sid, write, now, log });
    const { webhooks = { secrets: [], reach: new Reach() } } = options;
    const dispatcher = role === "web" ? null : new Dispatcher({
      ...webhooks,
      outbox,
      sid,
      workers,
      ontried: (end) => metrics?.toldOf(end),
      now,
      log,
    });
    reaper.ongone = () => dispatcher?.recover();
    const { kinds } = options;
    const schedules = new Schedules(store, options.maxSchedules ?? MAX_SCHEDULES);
    const scheduler = role === "web" ? null : new Scheduler({
      store,
      schedules,
      kind: (name) => kinds.get(name),
      kinds: () => kinds.readyKinds(),
      isNewest: (kind) => kindBook.isNewest(kind),
      check: (kind, input) => checkedInput(pools, kind, input),
      workers,
      metrics,
      log,
    });
    const parts = {
      store,
      hub,
      uploads,
      artifacts,
      outbox,
      webhooks,
      kinds,
      pools,
      kindBook,
      pauses,
      runner,
      schedules,
      scheduler,
    };
    const cleaning = { reaper, sweeper, journalRetention };
    const engine = new Engine({ ...parts, ...cleaning }, session, dispatcher);
    const beginning = engine.#startCleaning(alone);
    beginning.catch(() => {});
    try {
      await Promise.race([beginning, stalled.promise]);
      kinds.recall(await kindBook.recall());
      if (runner) engine.#tellKinds();
      if (!runner) pools.start();
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

  /** From now on the others know which kinds are run here. */
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

  /** Who runs a task; `null` for a process that lives no more. */
  sessionOf(sid: string): Promise<SessionInfo | null> {
    return readSession(this.store.kv, sid);
  }

  /**
   * Reads something from the store.
   *
   * @throws {Error} If the store does not answer.
   */
  async requireAnswer(): Promise<void> {
    await this.store.kv.get(keys.epoch);
  }

  /** See {@link Runner.stop}. Everything else goes on. */
  stopTasks(graceMs: number, quiesceMs = 0): Promise<void> {
    return this.#tasksStopped ??= this.runner?.stop(graceMs, quiesceMs) ?? Promise.resolve();
  }

  /** Tasks of the dead come first: nothing is removed before they are returned. */
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

  /** Closes everything without a write: this process was taken for dead. */
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

/** Checks that a commit may hold, on a SQLite file and over KV Connect. */
const CHECKS_LOCAL = 100;
const CHECKS_REMOTE = 10;

/** What becomes of an input; `null` where it does not fit, or that cannot be told now. */
async function checkedInput(
  pools: TaskPools<Run>,
  kind: string,
  json: string | null,
): Promise<CheckedInput | null> {
  try {
    const checked = await pools.check(kind, json);
    if ("issues" in checked || byteLength(checked.input ?? "") > MAX_JSON) return null;
    const { input, parsed, keys } = checked;
    return { input, ...(parsed ? { parsed } : {}), ...(keys ? { keys } : {}) };
  } catch (error) {
    if (error instanceof UncheckedError) return null;
    throw error;
  }
}

/** Schedules that may be made. */
const MAX_SCHEDULES = 1000;

/** Milliseconds for which a store of this process alone may take no write at the start. */
const BEGIN_MS = 2000;

/** Tells this store from an earlier one that was wiped. Made once, and part of each cursor. */
async function readEpoch(kv: Deno.Kv): Promise<string> {
  const made = ulid().slice(-10).toLowerCase();
  await kv.atomic().check({ key: keys.epoch, versionstamp: null }).set(keys.epoch, made).commit();
  return (await kv.get<string>(keys.epoch)).value ?? made;
}

function hostname(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
