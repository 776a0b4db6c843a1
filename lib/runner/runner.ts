/**
 * Has tasks driven by task processes, from the claim to the end. It decides when a task is asked to
 * stop, and when its process is killed.
 *
 * @module
 */

import { Claims } from "./claims.ts";
import { Outcomes } from "./outcomes.ts";
import type { Hub } from "../feed/hub.ts";
import type { HubEvent } from "../feed/hub_event.ts";
import { Jobs } from "./jobs.ts";
import { keys } from "../kv/keys.ts";
import type { LiveTask } from "../store/live_task.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { StopReason } from "../child/protocol.ts";
import { type Run, Runs } from "./runs.ts";
import type { Store } from "../store/store.ts";
import { fetchKept, readText } from "../kv/head.ts";
import type { AnyTask } from "../task/define.ts";
import { TaskMessages } from "./task_messages.ts";
import { type Member, TaskPool, type TaskPoolOptions } from "./task_pool.ts";
import type { Uploads } from "../kv/uploads.ts";

/** What {@link Runner} takes, beside what its processes do. */
export interface RunnerOptions
  extends Pick<TaskPoolOptions<Run>, "startProcess" | "processes" | "concurrency" | "isolated"> {
  /** Where tasks lie. */
  store: Store;
  /** Tells of tasks that other processes took in, and of cancels they want. */
  hub: Hub;
  /** The sessions that run tasks, this one among them. @default {this one alone} */
  workers?: () => readonly string[];
  /** Claims that may be on their way to the store at once. @default {any number} */
  claimsAtOnce?: number;
  /** What tasks read. */
  uploads: Uploads;
  /** The kinds that can be run here. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Log and output rows kept a task. */
  maxLog: number;
  /** Bytes they may take. */
  maxLogBytes: number;
  /** Where figures are kept. */
  metrics?: Metrics;
  /** Where trouble is told. */
  log: Logger;
}

/** The longest time a timer can be set to. */
const MAX_TIMER = 2 ** 31 - 1;

/** See the module. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #runs = new Runs();
  readonly #jobs: Jobs;
  readonly #pool: TaskPool<Run>;
  readonly #claims: Claims;
  readonly #endings: Outcomes;
  #stopping = false;
  #unlisten: (() => void) | undefined;

  /** Nothing runs before {@link Runner.start}. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    const { store, kinds, workers = () => [], claimsAtOnce = Infinity, metrics, log } = options;
    const runs = this.#runs;
    const jobs = this.#jobs = new Jobs(log);
    const messages = new TaskMessages({
      ...options,
      jobs,
      onend: (run, end) => this.#endings.ended(run, end),
    });
    const pool = this.#pool = new TaskPool<Run>({
      ...options,
      onready: () => this.#claims.pump(),
      onmessage: (member, message) => messages.take(member, message),
      ongone: (member, because, died) => this.#lost(member, because, died),
    });
    const claims = this.#claims = new Claims({
      store,
      kinds,
      workers,
      atOnce: claimsAtOnce,
      pool,
      runs,
      jobs,
      onclaimed: (run) => this.#claimed(run),
    });
    this.#endings = new Outcomes({ kinds, runs, pool, claims, jobs, metrics, log });
  }

  /** Tasks that run here. */
  get running(): number {
    return this.#runs.size;
  }

  /** The same, by kind. */
  get runningByKind(): Record<string, number> {
    return this.#runs.byKind;
  }

  /** Task processes. */
  get processes(): number {
    return this.#pool.size;
  }

  /** Ids of the task processes. */
  get pids(): number[] {
    return this.#pool.pids;
  }

  /** Starts the task processes and takes up what is pending. */
  async start(): Promise<void> {
    const { store, hub } = this.#options;
    this.#pool.start();
    this.#unlisten = hub.listen("foreign", (event) => this.#heard(event));
    store.onpending = (live) => {
      this.#claims.offer(live);
      this.#claims.pump();
    };
    store.onreturned = (live) => {
      // Its place is free again, and our own commits are not heard of.
      this.#claims.refresh(live.record.kind);
      this.#claims.offer(live);
      this.#claims.pump();
    };
    store.onwithdrawn = (live) => this.#claims.forget(live.id);
    store.oncancel = (live) => this.#stop(this.#runs.get(live.id), "cancel");
    store.onrefused = (live) => this.#jobs.own(this.#refused(live));
    await this.#claims.load();
  }

  /**
   * Claims nothing more. Tasks may go on for `settleMs`: to their end, or to their next checkpoint,
   * where they stop. Then every task is asked to stop at its next `yield`; those that have not after
   * `graceMs` are cut off. All go on later from their checkpoints, no attempt used.
   */
  async stop(graceMs: number, settleMs = 0): Promise<void> {
    this.#quiet();
    const runs = this.#runs;
    if (settleMs > 0) {
      for (const run of runs.all()) {
        if (run.sent) run.member.host.send({ type: "settle", run: run.number });
      }
      await runs.over(settleMs);
    }
    this.#unlisten?.();
    for (const run of runs.all()) this.#stop(run, "stop");
    await runs.over(graceMs);
    for (const run of runs.all()) this.#endings.interrupt(run, "the server stopped", false);
    await this.#pool.close();
    await this.#jobs.settled();
  }

  /** Drops everything at once: this process was taken for dead, and others run its tasks. */
  async abandon(): Promise<void> {
    this.#quiet();
    this.#unlisten?.();
    for (const run of this.#runs.all()) this.#runs.delete(run);
    await this.#pool.close();
  }

  #quiet(): void {
    this.#stopping = true;
    this.#options.store.onpending = undefined;
    this.#options.store.onreturned = undefined;
    this.#options.store.onwithdrawn = undefined;
    this.#claims.close();
    this.#jobs.quiet();
  }

  /** Hears what other processes did; one that stops, only that a task of its own is to be canceled. */
  #heard(heard: HubEvent): void {
    const { type, id } = heard.event;
    this.#claims.hear(heard);
    if (type === "cancel" && this.#runs.has(id)) this.#jobs.own(this.#options.store.cancel(id));
  }

  #claimed(run: Run): void {
    this.#jobs.own(
      this.#begin(run).catch((error) => {
        this.#options.log.error("a task could not be started", { id: run.live.id, error });
        const told = { name: "StartError", message: "The task could not be started" };
        this.#endings.ended(run, { how: "threw", error: told, stack: "" });
      }),
    );
  }

  /** Has a claimed task driven, once the claim is durable. */
  async #begin(run: Run): Promise<void> {
    const { kv } = this.#options.store;
    const { live, member, number } = run;
    const { task_id: id, kind, attempt } = live.record;
    const outcome = await live.committed();
    this.#claims.settled();
    if (!outcome.ok) {
      this.#endings.forget(run);
      if (outcome.reason === "conflict") await this.#claims.lost(run);
      return this.#claims.pump();
    }
    this.#options.metrics?.claimed(kind, run.waitedMs);
    const input = await fetchKept(kv, live.input, keys.input(id));
    const checkpoint = live.task.checkpointed ? await readText(kv, keys.checkpoint(id)) : null;
    // Another process may have asked to cancel it while it was on its way from a dead one to us.
    if (live.task.interruptions > 0 && (await kv.get(keys.cancel(id))).versionstamp !== null) {
      run.stop ??= "cancel";
    }
    // It may have been interrupted, or asked to stop, while we read.
    if (this.#runs.get(id) !== run) return;
    if (run.stop !== null || this.#stopping) {
      return this.#endings.ended(run, { how: "stopped", reason: run.stop ?? "stop" });
    }
    run.sent = true;
    member.host.send({ type: "start", run: number, kind, id, attempt, input, checkpoint });
    const { timeoutMs } = live.task;
    if (timeoutMs === null) return;
    run.deadline = setTimeout(() => this.#stop(run, "timeout"), Math.min(timeoutMs, MAX_TIMER));
  }

  /** A task process is no more: what it ran goes on elsewhere. */
  #lost(member: Member<Run>, because: string, died: boolean): void {
    for (const run of [...member.runs.values()]) {
      this.#endings.interrupt(run, because, died && run.sent);
    }
  }

  /** Asks a run to stop; kills its process when it does not. */
  #stop(run: Run | undefined, reason: StopReason): void {
    if (!run || run.stop !== null) return;
    run.stop = reason;
    clearTimeout(run.deadline);
    if (!run.sent) return;
    run.member.host.send({ type: "abort", run: run.number, reason });
    if (reason === "stop") return;
    run.deadline = setTimeout(() => {
      this.#options.log.warn("a task does not stop: its process is killed", { id: run.live.id });
      run.live.log("error", "It did not stop when asked to: its process was ended");
      this.#endings.ended(run, { how: "stopped", reason });
      this.#pool.kill(run.member);
    }, this.#options.killAfterMs ?? 10_000);
  }

  /** The store will never keep what a task yielded: it fails, and says so. */
  async #refused({ id }: LiveTask): Promise<void> {
    const { store } = this.#options;
    const run = this.#runs.get(id);
    if (run) {
      this.#stop(run, "stop");
      this.#endings.forget(run);
    }
    const error = { name: "StoreError", message: "What the task yielded could not be stored" };
    await store.withTask(id, (live) => {
      if (live.task.owner === store.sid) live.change({ type: "fail", error, retryAfterMs: null });
    });
  }
}
