/**
 * Runs tasks in task processes: puts the parts that do so together, passes on to them what comes
 * from the store and other processes, and stops them.
 *
 * @module
 */

import { deadline } from "../base/deadline.ts";
import { ErrorHook } from "../child/error_hook.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Hub } from "../feed/hub.ts";
import type { HubEvent } from "../feed/hub_event.ts";
import type { Artifacts } from "../kv/artifacts.ts";
import type { Uploads } from "../kv/uploads.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { Store } from "../store/store.ts";
import { type RowBounds, RowTrimmer } from "../store/trim.ts";
import type { ArtifactBounds } from "./artifact_transfers.ts";
import type { Pauses } from "../cluster/pauses.ts";
import { Claims } from "./claims.ts";
import { Jobs } from "./jobs.ts";
import type { Run } from "./run.ts";
import { Runs } from "./runs.ts";
import { TaskMessages } from "./task_messages.ts";
import type { Kinds } from "./kinds.ts";
import type { FailedAttempt, OnError } from "../task/on_error.ts";
import type { Kind } from "../task/kind.ts";
import type { Member } from "./member.ts";
import type { TaskPools } from "./task_pools.ts";

export interface RunnerOptions {
  store: Store;
  /** Brings the tasks that other processes accepted, and the cancels that they ask for. */
  hub: Hub;
  /** The sessions that run tasks, including this one. @default {this one alone} */
  workers?: () => readonly string[];
  /** How many claims may wait for the store at once. @default {any number} */
  claimsAtOnce?: number;
  /** Whether no other process runs tasks of this store: slots are not stored then. @default {false} */
  alone?: boolean;
  uploads: Uploads;
  artifacts: Artifacts;
  kinds: Kinds;
  pools: TaskPools<Run>;
  pauses: Pauses;
  /** Returns a kind that another process runs, or `null`. @default {there is none} */
  elsewhere?: (kind: string) => Promise<Kind | null>;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** How many rows of a task are kept, and how many bytes. */
  rowBounds: RowBounds;
  /** How large, and how many, artifacts of a task may be. */
  artifactBounds: ArtifactBounds;
  metrics?: Metrics;
  /** Called for each attempt that fails in this process. */
  onError?: OnError | undefined;
  log: Logger;
}

/** Milliseconds for which a stop waits for the store to take what the tasks came to. */
const WRITTEN_MS = 3000;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #runs = new Runs();
  readonly #jobs: Jobs;
  readonly #claims: Claims;
  #unlisten: (() => void) | undefined;

  /** Nothing runs before {@link Runner.start}. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    const { store, workers = () => [], claimsAtOnce = Infinity, alone = false } = options;
    const runs = this.#runs;
    const jobs = this.#jobs = new Jobs(options.log);
    const trimmer = new RowTrimmer(store.kv, options.rowBounds);
    const { elsewhere = () => Promise.resolve(null) } = options;
    const messages = new TaskMessages({ ...options, trimmer, elsewhere, jobs });
    options.pools.events = {
      onroom: () => this.#claims.pump(),
      onmessage: (member, message) =>
        message.type === "broken"
          ? this.#replace(member, message.why)
          : messages.take(member, message),
      onprinted: (member, line, run) => this.#printed(member, line, run),
      ongone: ({ runs }, because, died) => {
        for (const run of [...runs.values()]) run.interrupt(because, died);
      },
    };
    const { kv } = store;
    const { onError, log } = options;
    const hook = onError && new ErrorHook(onError);
    let told: string | null = null;
    const onerror = hook &&
      ((error: unknown, failed: FailedAttempt) =>
        jobs.own(
          hook.tell(error, failed).then((problem) => {
            // Logged once: an error tracker that is down would fill the log.
            if (problem !== null && problem !== told) log.warn(problem, { id: failed.taskId });
            told = problem;
          }),
        ));
    this.#claims = new Claims({
      ...options,
      onerror,
      kv,
      workers,
      alone,
      atOnce: claimsAtOnce,
      runs,
      trimmer,
      jobs,
    });
  }

  get running(): number {
    return this.#runs.size;
  }

  get runningByKind(): Record<string, number> {
    return this.#runs.byKind;
  }

  /** How many slots of a name are taken; `null` if they are in the store, as others take them, too. */
  countSlots(name: string): number | null {
    return this.#options.alone ? this.#claims.countSlots(name) : null;
  }

  get processes(): number {
    return this.#options.pools.size;
  }

  get pids(): number[] {
    return this.#options.pools.pids;
  }

  /** Begins to claim pending tasks. */
  async start(): Promise<void> {
    const { store, hub, kinds, pauses } = this.#options;
    pauses.onchange = () => this.#claims.pump();
    const unlisten = hub.listen("foreign", (event) => this.#heard(event));
    // A module may become ready later, or come back with other kinds.
    const changed = () => this.#jobs.own(this.#claims.load());
    kinds.onchange.add(changed);
    this.#unlisten = () => {
      unlisten();
      kinds.onchange.delete(changed);
    };
    store.onpending = (live) => {
      this.#claims.offer(live);
      this.#claims.pump();
    };
    store.onreturned = (live) => {
      // Its slot is free again, and the hub tells us of no commit of our own.
      this.#claims.refresh(live.record);
      this.#claims.offer(live);
      this.#claims.pump();
    };
    store.onwithdrawn = (live) => this.#claims.forget(live.id);
    store.oncancel = (live) => this.#runs.get(live.id)?.stop("cancel");
    store.onrefused = (live) => this.#jobs.ensure(() => this.#refused(live));
    await this.#claims.load();
  }

  /**
   * Stops claiming. For `quiesceMs`, tasks may run on to their end or to their next checkpoint, where
   * they stop. Then every task is asked to stop at its next `yield`, and those that have not after
   * `graceMs` are cut off. All resume later from their checkpoints, without using up an attempt.
   * Resolves when their clients were told so, too, unless the store takes no writes.
   */
  async stop(graceMs: number, quiesceMs = 0): Promise<void> {
    this.#quiet();
    const runs = this.#runs;
    const stopped = runs.all();
    if (quiesceMs > 0) {
      for (const run of runs.all()) run.quiesce();
      await runs.over(quiesceMs);
    }
    this.#unlisten?.();
    for (const run of runs.all()) run.stop("stop");
    await runs.over(graceMs);
    const busy = new Set(Array.from(runs.all(), ({ member }) => member.process));
    for (const run of runs.all()) run.interrupt("the server stopped", false);
    await this.#options.pools.close(busy);
    await this.#jobs.idle();
    if (stopped.length === 0) return;
    const written = Promise.all(stopped.map(({ live }) => live.committed()));
    const told = written.then(() => this.#options.store.journal.passed());
    await deadline(told, WRITTEN_MS, () => {});
  }

  /** Drops every run at once: this process was fenced, and others run its tasks. */
  async abandon(): Promise<void> {
    this.#quiet();
    this.#unlisten?.();
    const busy = new Set(Array.from(this.#runs.all(), ({ member }) => member.process));
    for (const run of this.#runs.all()) run.drop();
    await this.#options.pools.close(busy);
  }

  #quiet(): void {
    this.#options.store.onpending = undefined;
    this.#options.store.onreturned = undefined;
    this.#options.store.onwithdrawn = undefined;
    this.#claims.close();
    this.#jobs.quiet();
  }

  /** Takes in another process's event. At a stop, only a cancel of a task that runs here matters. */
  #heard(heard: HubEvent): void {
    const { type, id } = heard.event;
    this.#claims.hear(heard);
    if (type !== "cancel" || !this.#runs.has(id)) return;
    const by = cancelerIn(heard.event.json);
    this.#jobs.ensure(async () => {
      if (this.#runs.has(id)) await this.#options.store.cancel(id, by);
    });
  }

  /** Logs a printed line. One that names no run is of the run that has its process to itself. */
  #printed(
    { process: { pid }, pool, runs }: Member<Run>,
    line: string,
    number: number | null,
  ): void {
    const [only] = runs.values();
    const id = number === null
      ? (runs.size === 1 && only?.alone ? only.live.id : undefined)
      : runs.get(number)?.live.id ?? this.#runs.endedTask(number);
    const source = { module: pool.name, pid, ...id ? { id } : {} };
    this.#options.log.info("printed by a task", { ...source, line });
  }

  #replace(member: Member<Run>, why: string): void {
    this.#options.log.error("a task process is replaced", { pid: member.process.pid, why });
    member.pool.kill(member, `its process was replaced: ${why}`);
  }

  /** Fails a task because the store will never accept what it yielded. */
  async #refused({ id }: LiveTask): Promise<void> {
    const { store } = this.#options;
    const run = this.#runs.get(id);
    run?.stop("stop");
    run?.drop();
    const error = { name: "StoreError", message: "What the task yielded could not be stored" };
    let failed: LiveTask | undefined;
    await store.withTask(id, (live) => {
      if (live.task.owner !== store.sid) return;
      live.change({ type: "fail", error, retryAfterMs: null });
      failed = live;
    });
    if (!failed) return;
    await failed.committed();
    // Its slot is free again.
    this.#claims.refresh(failed.record);
  }
}

/** Who asked, from the data of a `cancel` event; `undefined` if an older version wrote it. */
function cancelerIn(json: string): string | undefined {
  const by: unknown = JSON.parse(json);
  return typeof by === "string" ? by : undefined;
}
