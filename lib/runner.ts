/**
 * Claims pending tasks, has them driven by task processes, and turns what these say into changes of
 * state. It decides when a task is asked to stop, and when its process is killed.
 *
 * @module
 */

import { retryDelay } from "./backoff.ts";
import type { Hub, HubEvent } from "./hub.ts";
import { keys } from "./keys.ts";
import type { LiveTask } from "./live_task.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { Pending } from "./pending.ts";
import type { FromTasks, RunEnd, RunEvent, StopReason } from "./protocol.ts";
import { waits } from "./record.ts";
import { Slots } from "./slots.ts";
import type { Store } from "./store.ts";
import { fetchKept, readText } from "./stored.ts";
import type { AnyTask } from "./task.ts";
import { type Member, TaskPool, type TaskPoolOptions } from "./task_pool.ts";
import { needsTrim, trimRows } from "./trim.ts";
import { turnOf } from "./turn.ts";
import type { Uploads } from "./uploads.ts";

/** What {@link Runner} takes, beside what its processes do. */
export interface RunnerOptions
  extends Pick<TaskPoolOptions<Run>, "startHost" | "processes" | "concurrency" | "isolated"> {
  /** Where tasks lie. */
  store: Store;
  /** Tells of tasks that other processes took in, and of cancels they want. */
  hub: Hub;
  /** The sessions that run tasks, this one among them. @default {this one alone} */
  workers?: () => readonly string[];
  /** What tasks read. */
  uploads: Uploads;
  /** The kinds that can be run here. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Log and output rows kept a task. */
  maxLog: number;
  /** Where figures are kept. */
  metrics?: Metrics;
  /** Where trouble is told. */
  log: Logger;
}

/** A task that is claimed by this process. */
export interface Run {
  /** Names it to its task process. */
  readonly number: number;
  /** Its state. */
  readonly live: LiveTask;
  /** Where it is driven. */
  readonly member: Member<Run>;
  /** When it was claimed, milliseconds, monotonic. */
  readonly claimedAt: number;
  /** Milliseconds the task waited for it. */
  readonly waitedMs: number;
  /** Its task process was told: it may have begun. */
  sent: boolean;
  /** Why it was asked to stop, if it was. */
  stop: StopReason | null;
  /** Its time-out; after it was asked to stop, the end of its grace. */
  deadline: ReturnType<typeof setTimeout> | undefined;
  /** Its oldest rows are being removed. */
  trimming: boolean;
  /** Resolves when it is over. */
  readonly over: PromiseWithResolvers<void>;
}

/** Bytes of rows in one batch past which a task process has to wait for the store. */
const LARGE_BATCH = 16 * 1024;

/** The longest time a timer can be set to. */
const MAX_TIMER = 2 ** 31 - 1;

/** See the module. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #pending: Pending;
  readonly #pool: TaskPool<Run>;
  readonly #slots: Slots;
  readonly #runs = new Map<string, Run>();
  /** Pending, but each to be tried alone when there is a process for it. */
  readonly #suspects: LiveTask[] = [];
  readonly #jobs = new Set<Promise<unknown>>();
  #number = 0;
  #loading = 0;
  #stopping = false;
  #unlisten: (() => void) | undefined;

  /** Nothing runs before {@link Runner.start}. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    const { store, kinds } = options;
    const onready = () => this.#pump();
    this.#slots = new Slots(store.kv);
    this.#pending = new Pending({
      kv: store.kv,
      kinds,
      now: store.now,
      turn: (id) => turnOf(id, store.sid, options.workers?.() ?? []),
      onready,
      own: (promise) => this.#own(promise),
    });
    this.#pool = new TaskPool<Run>({
      ...options,
      onready,
      onmessage: (member, message) => this.#said(member, message),
      ongone: (member, because, died) => this.#lost(member, because, died),
    });
  }

  /** Tasks that run here. */
  get running(): number {
    return this.#runs.size;
  }

  /** The same, by kind. */
  get runningByKind(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { live: { record: { kind } } } of this.#runs.values()) {
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
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
      this.#pending.offer(live);
      this.#pump();
    };
    store.onreturned = (live) => {
      const { kind, status } = live.record;
      // Its place is free again, and our own commits are not heard of.
      if (this.#slots.has(kind)) this.#own(this.#readSlots(kind));
      if (status === "pending") this.#pending.offer(live);
      this.#pump();
    };
    store.oncancel = (live) => this.#stop(this.#runs.get(live.id), "cancel");
    store.onrefused = (live) => this.#own(this.#refused(live));
    await this.#pending.load();
    this.#pump();
  }

  /**
   * Claims nothing more. Tasks may go on for `settleMs`: to their end, or to their next checkpoint,
   * where they stop. Then every task is asked to stop at its next `yield`; those that have not after
   * `graceMs` are cut off. All go on later from their checkpoints, no attempt used.
   */
  async stop(graceMs: number, settleMs = 0): Promise<void> {
    this.#quiet();
    if (settleMs > 0) {
      for (const run of this.#runs.values()) {
        if (run.sent) run.member.host.send({ type: "settle", run: run.number });
      }
      await this.#over(settleMs);
    }
    this.#unlisten?.();
    for (const run of this.#runs.values()) this.#stop(run, "stop");
    await this.#over(graceMs);
    for (const run of [...this.#runs.values()]) this.#interrupt(run, "the server stopped", false);
    await this.#pool.close();
    while (this.#jobs.size > 0) await Promise.allSettled(this.#jobs);
  }

  /** Drops everything at once: this process was taken for dead, and others run its tasks. */
  async abandon(): Promise<void> {
    this.#quiet();
    this.#unlisten?.();
    for (const run of this.#runs.values()) {
      clearTimeout(run.deadline);
      run.over.resolve();
    }
    this.#runs.clear();
    await this.#pool.close();
  }

  #quiet(): void {
    this.#stopping = true;
    this.#options.store.onpending = undefined;
    this.#options.store.onreturned = undefined;
    this.#pending.close();
  }

  /** Waits for everything that runs to be over, but not longer than `ms`. */
  async #over(ms: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ms);
    const all = Promise.all([...this.#runs.values()].map(({ over }) => over.promise));
    await Promise.race([all, late.promise]);
    clearTimeout(timer);
  }

  /** Hears what other processes did; one that stops, only that a task of its own is to be canceled. */
  #heard(heard: HubEvent): void {
    const { event } = heard;
    if (!this.#stopping) this.#pending.hear(heard);
    if (event.type === "cancel" && this.#runs.has(event.id)) {
      this.#own(this.#options.store.cancel(event.id));
    } else if (
      this.#slots.has(event.kind) && (event.type === "complete" || event.type === "message")
    ) {
      this.#own(this.#readSlots(event.kind));
    }
  }

  // --- from pending to running ---------------------------------------------------------------

  #pump(): void {
    if (this.#stopping) return;
    const { store } = this.#options;
    if (this.#pool.canIsolate) {
      for (const live of this.#suspects.splice(0)) this.#pending.offer(live);
    }
    while (this.#runs.size + this.#loading < this.#pool.capacity) {
      const candidate = this.#pending.next((kind) => this.#mayRun(kind));
      if (!candidate) break;
      const { id, live } = candidate;
      if (this.#runs.has(id)) continue;
      if (live && store.adopt(live)) {
        this.#claim(live);
        continue;
      }
      this.#loading++;
      this.#own(
        store.withTask(id, (live) => this.#claim(live)).finally(() => {
          this.#loading--;
          this.#pump();
        }),
      );
    }
    this.#pending.rest();
  }

  #mayRun(kind: string): boolean {
    const { isolate, concurrency } = this.#options.kinds.get(kind)!;
    if (isolate && !this.#pool.canIsolate) return false;
    return concurrency === undefined || this.#slots.free(kind, concurrency) !== null;
  }

  #claim(live: LiveTask): void {
    const { store, kinds, log } = this.#options;
    const { kind, status, run_at } = live.record;
    const { isolate, concurrency } = kinds.get(kind)!;
    if (status !== "pending" || this.#runs.has(live.id) || this.#stopping) return;
    // It may have failed elsewhere since it was put into the queue, and wait for its retry.
    if (waits(live.record) && Date.parse(run_at) > store.now()) return this.#pending.offer(live);
    const slot = concurrency === undefined ? null : this.#slots.free(kind, concurrency);
    // The last place may have gone while the task was loaded.
    if (concurrency !== undefined && slot === null) return this.#pending.offer(live);
    const { resuming, checkpointed, deaths } = live.task;
    // A task under which processes died is tried alone before it is called the cause; beside others
    // it could be called that for what one of them does.
    const suspect = deaths >= 2;
    if (suspect && !this.#pool.canIsolate) return void this.#suspects.push(live);
    if (!live.change({ type: "start", owner: store.sid, slot }).ok) return;
    if (slot !== null) this.#slots.take(kind, slot);
    if (resuming && checkpointed) live.log("info", "Resumed from the last checkpoint");
    const member = this.#pool.pick(isolate || suspect);
    const run: Run = {
      number: ++this.#number,
      live,
      member,
      claimedAt: performance.now(),
      waitedMs: Math.max(0, store.now() - Date.parse(run_at)),
      sent: false,
      stop: null,
      deadline: undefined,
      trimming: false,
      over: Promise.withResolvers<void>(),
    };
    member.runs.set(run.number, run);
    this.#runs.set(live.id, run);
    this.#own(
      this.#begin(run).catch((error) => {
        log.error("a task could not be started", { id: live.id, error });
        const told = { name: "StartError", message: "The task could not be started" };
        this.#ended(run, { how: "threw", error: told, stack: "" });
      }),
    );
  }

  /** Has a claimed task driven, once the claim is durable. */
  async #begin(run: Run): Promise<void> {
    const { kv } = this.#options.store;
    const { live, member, number } = run;
    const { task_id: id, kind, attempt } = live.record;
    const outcome = await live.committed();
    if (!outcome.ok) return await this.#drop(run, outcome.reason === "conflict");
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
      return this.#ended(run, { how: "stopped", reason: run.stop ?? "stop" });
    }
    run.sent = true;
    member.host.send({ type: "start", run: number, kind, id, attempt, input, checkpoint });
    const { timeoutMs } = live.task;
    if (timeoutMs === null) return;
    run.deadline = setTimeout(() => this.#stop(run, "timeout"), Math.min(timeoutMs, MAX_TIMER));
  }

  // --- what task processes say ---------------------------------------------------------------

  #said({ host, runs }: Member<Run>, message: FromTasks): void {
    const { uploads, store, log } = this.#options;
    if (message.type === "info") {
      const { request, upload } = message;
      this.#own(
        uploads.info(upload).catch((error) => {
          log.error("an upload could not be described", { upload, error });
          return null;
        }).then((info) => host.send({ type: "info", request, info })),
      );
    } else if (message.type === "piece") {
      const { request, upload, offset } = message;
      this.#own(
        uploads.read(upload, offset).catch((error) => {
          log.error("an upload could not be read", { upload, error });
          return new Uint8Array();
        }).then((bytes) => host.sendBytes(request, bytes)),
      );
    } else if (message.type === "batch") {
      let bytes = 0;
      for (const event of message.events) {
        const run = runs.get(event[0]);
        if (run) bytes += this.#took(run, event);
      }
      const ack = () => host.send({ type: "ack" });
      // Progress is conflated and never piles up; rows do when the store is behind.
      if (bytes < LARGE_BATCH) ack();
      else this.#own(store.journal.taken().then(ack));
    }
  }

  /** Takes in one event of a run; returns how many bytes of it wait for the store. */
  #took(run: Run, [, type, content]: RunEvent): number {
    const { store, maxLog } = this.#options;
    const { live } = run;
    switch (type) {
      case "progress":
        live.report(content);
        return 0;
      case "save":
        live.save(content);
        return content.length;
      case "end":
        this.#ended(run, content);
        return 0;
    }
    live.row(type, content);
    if (!run.trimming && needsTrim(live, maxLog)) {
      run.trimming = true;
      this.#own(trimRows(store.kv, live, maxLog).finally(() => run.trimming = false));
    }
    return content.length;
  }

  /** A task process is no more: what it ran goes on elsewhere. */
  #lost(member: Member<Run>, because: string, died: boolean): void {
    for (const run of [...member.runs.values()]) this.#interrupt(run, because, died && run.sent);
  }

  // --- the end of a run ----------------------------------------------------------------------

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
      this.#ended(run, { how: "stopped", reason });
      this.#pool.kill(run.member);
    }, this.#options.killAfterMs ?? 10_000);
  }

  /** A run ended, as `end` says. */
  #ended(run: Run, end: RunEnd): void {
    const { live } = run;
    if (end.how === "returned") {
      this.#finish(run, () => live.change({ type: "complete" }, end.json));
    } else if (end.how === "stopped" && end.reason === "cancel") {
      this.#finish(run, () => live.change({ type: "cancel" }));
    } else if (end.how === "stopped" && end.reason === "stop") {
      this.#interrupt(run, "the server stops", false);
    } else {
      this.#failed(run, end);
    }
  }

  #failed(run: Run, end: Exclude<RunEnd, { how: "returned" }>): void {
    const { log, kinds } = this.#options;
    const { live } = run;
    const { kind, attempt, max_attempts, cancel_requested } = live.record;
    const error = end.how === "threw" ? end.error : {
      name: "TimeoutError",
      message: `The attempt took longer than ${live.task.timeoutMs} ms`,
    };
    const { stack } = end;
    log.info("a task failed", { id: live.id, kind, attempt, error: error.message, stack });
    let retryAfterMs: number | null = null;
    if (attempt < max_attempts && !cancel_requested) {
      retryAfterMs = retryDelay(attempt, kinds.get(kind)!.retry);
      const text = `Attempt ${attempt} of ${max_attempts} failed: ${error.message}`;
      live.log("warn", text, { retry_in_ms: retryAfterMs });
    }
    this.#finish(run, () => live.change({ type: "fail", error, retryAfterMs }));
  }

  #interrupt(run: Run, because: string, died: boolean): void {
    const { live } = run;
    live.log("warn", `Interrupted: ${because}; goes on from the last checkpoint`);
    this.#finish(run, () => live.change({ type: "interrupt", died }));
  }

  /** Takes a run off the books and changes its task; one that is pending again is offered. */
  #finish(run: Run, change: () => unknown): void {
    const { live } = run;
    const { kind } = live.record;
    const { slot } = live.task;
    if (run.sent) this.#options.metrics?.ran(kind, performance.now() - run.claimedAt);
    change();
    this.#forget(run);
    if (slot !== null) {
      // Its next claim checks that the place is free: it is when this is committed.
      this.#own(
        live.committed().then(() => {
          this.#slots.release(kind, slot);
          this.#pump();
        }),
      );
    }
    this.#again(live);
    this.#pump();
  }

  /** A run whose claim was lost to another process: the task, or only the place it was to have. */
  async #drop(run: Run, contended: boolean): Promise<void> {
    const { store } = this.#options;
    const { id, record: { kind }, task: { slot } } = run.live;
    this.#forget(run);
    if (contended && slot !== null) await this.#readSlots(kind);
    if (contended) {
      await store.withTask(id, (live) => {
        const { record: { status }, owner } = live.task;
        if (status === "running" && owner === store.sid && !this.#runs.has(id)) {
          // It was our own claim: a connection broke before the answer, and the write was repeated.
          live.change({ type: "interrupt", died: false });
        }
        this.#again(live);
      });
    }
    this.#pump();
  }

  #again(live: LiveTask): void {
    if (live.record.status === "pending") this.#pending.offer(live);
  }

  /** The store will never keep what a task yielded: it fails, and says so. */
  async #refused({ id }: LiveTask): Promise<void> {
    const { store } = this.#options;
    const run = this.#runs.get(id);
    if (run) {
      this.#stop(run, "stop");
      this.#forget(run);
    }
    const error = { name: "StoreError", message: "What the task yielded could not be stored" };
    await store.withTask(id, (live) => {
      if (live.task.owner === store.sid) live.change({ type: "fail", error, retryAfterMs: null });
    });
  }

  #forget(run: Run): void {
    clearTimeout(run.deadline);
    this.#pool.release(run.member, run.number);
    if (this.#runs.get(run.live.id) === run) this.#runs.delete(run.live.id);
    run.over.resolve();
  }

  async #readSlots(kind: string): Promise<void> {
    const own = [];
    for (const { live } of this.#runs.values()) {
      if (live.record.kind === kind && live.task.slot !== null) own.push(live.task.slot);
    }
    await this.#slots.read(kind, own);
    this.#pump();
  }

  /** Owns a promise: a failure is logged, and `stop()` waits for it. */
  #own(promise: Promise<unknown>): void {
    const job = promise.catch((error) => {
      if (!this.#stopping) this.#options.log.error("the runner stumbled", { error });
    }).finally(() => this.#jobs.delete(job));
    this.#jobs.add(job);
  }
}
