/**
 * Makes the parts of an engine, in the order in which they need each other. None of them runs yet.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import { byteLength } from "./base/bytes.ts";
import type { FreeSpace } from "./kv/free_space.ts";
import { createFeed, type Feed } from "./feed/feed.ts";
import { Hub } from "./feed/hub.ts";
import { readEpoch } from "./kv/epoch.ts";
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
import { Scheduler } from "./schedule/scheduler.ts";
import type { CheckedInput } from "./schedule/schedule_slots.ts";
import { Schedules } from "./schedule/schedules.ts";
import { Session } from "./cluster/session.ts";
import { Store } from "./store/store.ts";
import type { Part } from "./store/write.ts";
import type { ArtifactBounds } from "./runner/artifact_transfers.ts";
import type { RowBounds } from "./store/trim.ts";
import type { OnError } from "./task/on_error.ts";
import { MAX_ARTIFACTS } from "./task/artifact_list.ts";
import { MAX_JSON } from "./task/limits.ts";
import type { RetentionMs } from "./cluster/old_tasks.ts";
import { Sweeper } from "./cluster/sweeper.ts";
import { Artifacts } from "./kv/artifacts.ts";
import { Uploads } from "./kv/uploads.ts";
import { Dispatcher } from "./webhooks/dispatcher.ts";
import { Deliveries } from "./webhooks/deliveries.ts";
import { Outbox } from "./webhooks/outbox.ts";
import type { PostOptions } from "./webhooks/post.ts";
import { Reach } from "./webhooks/reach.ts";

export interface EngineOptions {
  /** Not closed with the engine. */
  kv: Deno.Kv;
  /** No other process can have this store: all old sessions are dead, and a commit may check more keys. */
  alone: boolean;
  role: "all" | "web" | "worker";
  /** The next engine gets the same ones, if this one is fenced. */
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
  /** Milliseconds that a session lasts if it is not renewed. */
  leaseMs: number;
  /** How long a finished task is kept that has no setting of its own. */
  retentionMs: RetentionMs;
  /** How many rows of a task are kept, and how many bytes. */
  rowBounds: RowBounds;
  /** How large, and how many, artifacts of a task may be. @default {100, each of any size} */
  artifactBounds?: ArtifactBounds;
  /** Bytes that all uploads may take together. @default {Infinity} */
  uploadQuota?: number;
  /** Bytes that all artifacts may take together. @default {Infinity} */
  artifactQuota?: number;
  /** Schedules that may be made, beside those of kinds. @default {1000} */
  maxSchedules?: number;
  /** How much of the disk uploads and artifacts may still take. @default {anything} */
  space?: FreeSpace | undefined;
  /** How webhooks are sent, and what signs them. @default {to the internet, signed by none} */
  webhooks?: PostOptions & { secrets: readonly string[] };
  /** Called once, when this process is fenced: it can only open a new engine. */
  onfenced?: () => void;
  metrics?: Metrics;
  /** Called for each attempt that fails in this process. */
  onError?: OnError | undefined;
  log: Logger;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

export interface EngineParts {
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
  readonly session: Session;
  /** `null` in a `web` process. */
  readonly dispatcher: Dispatcher | null;
}

/** The pools of an engine's task processes, which are not started yet. */
export function createPools(options: EngineOptions): TaskPools<Run> {
  // To check inputs, one process for each module is enough.
  const checksOnly = options.role === "web";
  const processes = checksOnly ? 1 : options.processes;
  return new TaskPools<Run>({ ...options, processes, checksOnly });
}

/**
 * Makes the other parts, and registers this process.
 *
 * @param ontried Called after each try to write.
 */
export async function openEngineParts(
  options: EngineOptions,
  pools: TaskPools<Run>,
  ontried: (store: Store) => void,
): Promise<EngineParts> {
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
      ontried(store);
    },
    oncommit: (versionstamp, events, size) => {
      metrics?.committed(events);
      if (alone) hub.pass(versionstamp, sid, events, size);
      else hub.wake();
    },
    heads: new Heads(kv, hub.pending),
    caughtUp: () => hub.caughtUp(),
    // Not where there are other processes, which hear of it from the journal alone.
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
    alone,
    // As many as three commits hold: each claim has a check, and each commit has two, of the session
    // and the pauses.
    claimsAtOnce: alone ? Infinity : 3 * (CHECKS_REMOTE - 2),
  });
  const write = (part: Part) => store.journal.write(part);
  const { webhooks = { secrets: [], reach: new Reach() } } = options;
  const dispatcher = role === "web" ? null : new Dispatcher({
    ...webhooks,
    outbox: new Outbox({ kv, sid, write, now, log }),
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
  return {
    store,
    hub,
    heads: store.heads,
    feed: createFeed(kv, hub, store.heads),
    uploads,
    artifacts,
    deliveries: new Deliveries({ kv, write, now }),
    webhooks,
    kinds,
    pools,
    kindBook,
    pauses,
    runner,
    schedules,
    scheduler,
    reaper,
    sweeper,
    journalRetention,
    session,
    dispatcher,
  };
}

/** Checks that a commit may hold, on a SQLite file and over KV Connect. */
const CHECKS_LOCAL = 100;
const CHECKS_REMOTE = 10;

/** An input as it will be stored; `null` if it does not fit, or cannot be checked now. */
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

/** Schedules that may be made, unless an option says otherwise. */
const MAX_SCHEDULES = 1000;

function hostname(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
