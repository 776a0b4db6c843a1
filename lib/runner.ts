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
import type { FromTasks, RunEnd, RunEvent, StopReason } from "./protocol.ts";
import type { TaskRecord } from "./record.ts";
import { type Candidate, Schedule, SCHEDULE_LIMIT } from "./schedule.ts";
import type { Store } from "./store.ts";
import { fetchKept } from "./stored.ts";
import type { AnyTask } from "./task.ts";
import type { TaskHost, TaskHostEvents } from "./task_process.ts";
import { needsTrim, trimRows } from "./trim.ts";
import type { Uploads } from "./uploads.ts";

/** What {@link Runner} takes. */
export interface RunnerOptions {
  /** Where tasks lie. */
  store: Store;
  /** Tells of tasks that other processes took in, and of cancels they want. */
  hub: Hub;
  /** What tasks read. */
  uploads: Uploads;
  /** The kinds that can be run here. */
  kinds: ReadonlyMap<string, AnyTask>;
  /** Starts a task process. */
  startHost(events: TaskHostEvents): TaskHost;
  /** Task processes. */
  processes: number;
  /** Tasks at once in each. */
  concurrency: number;
  /** Processes of tasks that need one of their own, at the most. @default {8} */
  isolated?: number;
  /** Milliseconds between asking a task to stop and killing its process. @default {10_000} */
  killAfterMs?: number;
  /** Log and output rows kept a task. */
  maxLog: number;
  /** Where trouble is told. */
  log: Logger;
}

/** Bytes of rows not yet taken into a commit, past which a task process gets no more room. */
const BACKLOG_BYTES = 256 * 1024;

/** Milliseconds before a task process that died while starting is started again. */
const RESTART_MS = 1000;

interface Host {
  host: TaskHost;
  runs: Map<number, Run>;
  capacity: number;
  isolated: boolean;
  ready: boolean;
}

interface Run {
  number: number;
  live: LiveTask;
  host: Host;
  /** Told to the task process: it may have begun. */
  sent: boolean;
  stop: StopReason | null;
  deadline: ReturnType<typeof setTimeout> | undefined;
  trimming: boolean;
}

/** See the module. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #schedule = new Schedule();
  readonly #hosts = new Set<Host>();
  readonly #runs = new Map<string, Run>();
  readonly #slots = new Map<string, Set<number>>();
  readonly #refilling = new Set<string>();
  readonly #jobs = new Set<Promise<unknown>>();
  #number = 0;
  #claiming = 0;
  #stopping = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: (() => void) | undefined;

  /** Nothing runs before {@link Runner.start}. */
  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Tasks that run here. */
  get running(): number {
    return this.#runs.size;
  }

  /** Task processes, as far as they have one. */
  get pids(): number[] {
    return [...this.#hosts].flatMap(({ host }) => host.pid ?? []);
  }

  /** Starts the task processes and takes up what is pending. */
  async start(): Promise<void> {
    const { store, hub, processes, kinds } = this.#options;
    for (let n = 0; n < processes; n++) this.#addHost(false);
    this.#unlisten = hub.listen("all", (event) => this.#heard(event));
    store.onpending = (live) => this.#offer(live);
    store.oncancel = (live) => this.#stop(this.#runs.get(live.id), "cancel");
    for (const kind of ["", ...kinds.keys()]) await this.#refill(kind);
    this.#pump();
  }

  /**
   * Claims nothing more and asks every task to stop at its next `yield`; those that have not after
   * `graceMs` are cut off. All go on later from their checkpoints, no attempt used.
   */
  async stop(graceMs: number): Promise<void> {
    const { store } = this.#options;
    this.#stopping = true;
    this.#unlisten?.();
    store.onpending = undefined;
    clearTimeout(this.#timer);
    for (const run of this.#runs.values()) this.#stop(run, "stop");
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), graceMs);
    await Promise.race([this.#drained(), aborted(deadline.signal)]);
    clearTimeout(timer);
    for (const run of [...this.#runs.values()]) {
      this.#row(run, "warn", "Interrupted: the server stopped; goes on from the last checkpoint");
      this.#end(run, () => run.live.change({ type: "interrupt", died: false }));
    }
    await Promise.all([...this.#hosts].map(({ host }) => host.kill()));
    this.#hosts.clear();
    while (this.#jobs.size > 0) await Promise.allSettled(this.#jobs);
  }

  /** Drops everything at once: this process was taken for dead, and others run its tasks. */
  async abandon(): Promise<void> {
    this.#stopping = true;
    this.#unlisten?.();
    clearTimeout(this.#timer);
    for (const run of this.#runs.values()) clearTimeout(run.deadline);
    this.#runs.clear();
    await Promise.all([...this.#hosts].map(({ host }) => host.kill()));
    this.#hosts.clear();
  }

  async #drained(): Promise<void> {
    while (this.#runs.size > 0) {
      await Promise.race([...this.#runs.values()].map((run) => this.#ended(run)));
    }
  }

  readonly #endings = new WeakMap<Run, PromiseWithResolvers<void>>();

  #ended(run: Run): Promise<void> {
    let ending = this.#endings.get(run);
    if (!ending) this.#endings.set(run, ending = Promise.withResolvers<void>());
    return ending.promise;
  }

  // --- what is pending -----------------------------------------------------------------------

  #offer(live: LiveTask): void {
    const { task_id: id, kind, priority, run_at } = live.record;
    this.#add({ id, kind, priority, runAt: Date.parse(run_at), live });
    this.#pump();
  }

  #add(candidate: Candidate): void {
    if (!this.#options.kinds.has(candidate.kind) || this.#runs.has(candidate.id)) return;
    this.#schedule.add(candidate, this.#options.store.now());
  }

  /** Hears what other processes did. */
  #heard({ event, own }: HubEvent): void {
    if (own) return;
    if (event.type === "cancel") {
      const run = this.#runs.get(event.id);
      if (run) this.#job(this.#options.store.cancel(event.id));
    } else if (event.type === "message" && event.json.includes('"status":"pending"')) {
      const { task_id, kind, priority, run_at } = JSON.parse(event.json) as TaskRecord;
      this.#add({ id: task_id, kind, priority, runAt: Date.parse(run_at) });
      this.#pump();
    } else if (event.type === "complete" && this.#slots.has(event.kind)) {
      this.#job(this.#readSlots(event.kind));
    }
  }

  /** Reads pending tasks of a kind (`""`: those not due) from the store. */
  async #refill(kind: string): Promise<void> {
    if (this.#refilling.has(kind)) return;
    this.#refilling.add(kind);
    this.#schedule.overflowed.delete(kind);
    const { kv } = this.#options.store;
    const prefix = kind === "" ? keys.laters : keys.queueOf(kind);
    const entries = kv.list<[string, number]>({ prefix }, {
      limit: SCHEDULE_LIMIT,
      batchSize: 500,
    });
    let count = 0;
    for await (const { key, value: [of, priority] } of entries) {
      count++;
      const runAt = Number(kind === "" ? key[1] : key[3]);
      this.#add({ id: String(key.at(-1)), kind: of, priority, runAt });
    }
    if (count === SCHEDULE_LIMIT) this.#schedule.overflowed.add(kind);
    this.#refilling.delete(kind);
    this.#pump();
  }

  #pump(): void {
    if (this.#stopping) return;
    const { store, processes, concurrency } = this.#options;
    const schedule = this.#schedule;
    while (this.#runs.size + this.#claiming < processes * concurrency) {
      const candidate = schedule.next(store.now(), (kind) => this.#mayRun(kind));
      if (!candidate) break;
      this.#claim(candidate);
    }
    for (const kind of schedule.overflowed) {
      if (schedule.sizeOf(kind) < SCHEDULE_LIMIT / 10) this.#job(this.#refill(kind));
    }
    this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const due = this.#schedule.nextDue();
    if (due === null || this.#stopping) return;
    const wait = Math.min(60_000, Math.max(1, due - this.#options.store.now()));
    this.#timer = setTimeout(() => this.#pump(), wait);
  }

  #mayRun(kind: string): boolean {
    const task = this.#options.kinds.get(kind)!;
    if (task.isolate && this.#isolatedFull()) return false;
    if (task.concurrency === undefined) return true;
    return this.#freeSlot(kind, task.concurrency) !== null;
  }

  #isolatedFull(): boolean {
    const { isolated = 8 } = this.#options;
    let count = 0;
    for (const host of this.#hosts) if (host.isolated) count++;
    return count >= isolated;
  }

  #freeSlot(kind: string, limit: number): number | null {
    const used = this.#slots.get(kind);
    for (let n = 0; n < limit; n++) if (!used?.has(n)) return n;
    return null;
  }

  /** Sees which places under a kind's limit other processes hold. */
  async #readSlots(kind: string): Promise<void> {
    const used = new Set<number>();
    for await (const { key } of this.#options.store.kv.list({ prefix: keys.slotsOf(kind) })) {
      used.add(Number(key[2]));
    }
    for (const { live } of this.#runs.values()) {
      if (live.record.kind === kind && live.task.slot !== null) used.add(live.task.slot);
    }
    this.#slots.set(kind, used);
    this.#pump();
  }

  // --- from pending to running ---------------------------------------------------------------

  #claim(candidate: Candidate): void {
    const { store } = this.#options;
    const { live } = candidate;
    if (live && store.adopt(live)) return this.#begin(live);
    this.#claiming++;
    this.#job(
      store.withTask(candidate.id, (live) => this.#begin(live)).finally(() => {
        this.#claiming--;
        this.#pump();
      }),
    );
  }

  #begin(live: LiveTask): void {
    const { store, kinds, log } = this.#options;
    const { kind } = live.record;
    const task = kinds.get(kind)!;
    if (live.record.status !== "pending" || this.#runs.has(live.id) || this.#stopping) return;
    const slot = task.concurrency === undefined ? null : this.#freeSlot(kind, task.concurrency);
    if (task.concurrency !== undefined && slot === null) {
      return this.#add({
        id: live.id,
        kind,
        priority: live.record.priority,
        runAt: Date.parse(live.record.run_at),
      });
    }
    const { resuming } = live.task;
    if (!live.change({ type: "start", owner: store.sid, slot }).ok) return;
    if (slot !== null) this.#useSlot(kind, slot);
    if (resuming && live.task.checkpointed) {
      live.row("log", logRow("info", "Resumed from the last checkpoint", store.now()));
    }
    const host = this.#hostFor(live, task);
    const run: Run = {
      number: ++this.#number,
      live,
      host,
      sent: false,
      stop: null,
      deadline: undefined,
      trimming: false,
    };
    host.runs.set(run.number, run);
    this.#runs.set(live.id, run);
    this.#job(
      this.#send(run).catch((error) => {
        log.error("a task could not be started", { id: live.id, error });
        this.#endWith(run, {
          how: "threw",
          error: { name: "StartError", message: "The task could not be started" },
          stack: "",
        });
      }),
    );
  }

  /** Has a claimed task begun, once the claim is durable. */
  async #send(run: Run): Promise<void> {
    const { store } = this.#options;
    const { live } = run;
    const { task_id: id, kind, attempt } = live.record;
    const outcome = await live.committed();
    if (!outcome.ok) return this.#drop(run, outcome.reason === "conflict");
    if (this.#runs.get(id) !== run) return;
    const input = await fetchKept(store.kv, live.input, keys.input(id));
    const checkpoint = live.task.checkpointed
      ? (await store.kv.get<string>(keys.checkpoint(id))).value
      : null;
    if (this.#runs.get(id) !== run) return;
    if (run.stop !== null) return this.#endWith(run, { how: "stopped", reason: run.stop });
    run.sent = true;
    run.host.host.send({ type: "start", run: run.number, kind, id, attempt, input, checkpoint });
    const { timeoutMs } = live.task;
    if (timeoutMs !== null) {
      run.deadline = setTimeout(() => this.#stop(run, "timeout"), Math.min(timeoutMs, 2 ** 31 - 1));
    }
  }

  // --- task processes ------------------------------------------------------------------------

  #addHost(isolated: boolean): Host {
    const { startHost, concurrency, log } = this.#options;
    const self: Host = {
      host: startHost({
        onmessage: (message) => this.#said(self, message),
        onexit: (status) => {
          log.error("a task process ended by itself", { status, tasks: self.runs.size });
          this.#hostGone(self, true, `its process ended (${status})`);
        },
      }),
      runs: new Map(),
      capacity: isolated ? 1 : concurrency,
      isolated,
      ready: false,
    };
    this.#hosts.add(self);
    return self;
  }

  #hostFor(live: LiveTask, task: AnyTask): Host {
    // A task under which processes died is tried alone, before it is called the cause.
    const alone = task.isolate || (live.task.deaths >= 2 && !this.#isolatedFull());
    if (alone) return this.#addHost(true);
    let best: Host | undefined;
    for (const host of this.#hosts) {
      if (host.isolated || host.runs.size >= host.capacity) continue;
      if (!best || host.runs.size < best.runs.size) best = host;
    }
    return best ?? this.#addHost(true);
  }

  /** A process is no more: what it ran goes on elsewhere. */
  #hostGone(host: Host, died: boolean, because: string): void {
    this.#hosts.delete(host);
    for (const run of [...host.runs.values()]) {
      const text = `Interrupted: ${because}; goes on from the last checkpoint`;
      if (run.sent) this.#row(run, "warn", text);
      const blamed = died && run.sent && host.ready;
      this.#end(run, () => run.live.change({ type: "interrupt", died: blamed }));
    }
    if (host.isolated || this.#stopping) return;
    if (host.ready) this.#addHost(false);
    else setTimeout(() => this.#stopping || (this.#addHost(false), this.#pump()), RESTART_MS);
    this.#pump();
  }

  #said(host: Host, message: FromTasks): void {
    const { uploads } = this.#options;
    switch (message.type) {
      case "ready":
        host.ready = true;
        break;
      case "batch":
        this.#took(host, message.events);
        break;
      case "info":
        this.#job(
          uploads.info(message.upload).then((info) =>
            host.host.send({ type: "info", request: message.request, info })
          ),
        );
        break;
      case "piece":
        this.#job(
          uploads.read(message.upload, message.offset).then((bytes) =>
            host.host.sendBytes(message.request, bytes)
          ),
        );
        break;
    }
  }

  #took(host: Host, events: RunEvent[]): void {
    const { store, maxLog } = this.#options;
    let bytes = 0;
    for (const event of events) {
      const run = host.runs.get(event[0]);
      if (!run) continue;
      const { live } = run;
      switch (event[1]) {
        case "progress":
          live.report(event[2]);
          break;
        case "log":
        case "output":
          live.row(event[1], event[2]);
          bytes += event[2].length;
          break;
        case "save":
          live.save(event[2]);
          bytes += event[2].length;
          break;
        case "end":
          this.#endWith(run, event[2]);
          break;
      }
      if (!run.trimming && needsTrim(live, maxLog)) {
        run.trimming = true;
        this.#job(trimRows(store.kv, live, maxLog).finally(() => run.trimming = false));
      }
    }
    const ack = () => host.host.send({ type: "ack" });
    if (bytes < BACKLOG_BYTES / 16) ack();
    else this.#job(store.journal.taken().then(ack));
  }

  // --- the end of a run ----------------------------------------------------------------------

  /** Asks a run to stop; kills its process when it does not. */
  #stop(run: Run | undefined, reason: StopReason): void {
    if (!run || run.stop !== null) return;
    const { killAfterMs = 10_000 } = this.#options;
    run.stop = reason;
    clearTimeout(run.deadline);
    if (!run.sent) return;
    run.host.host.send({ type: "abort", run: run.number, reason });
    if (reason !== "stop") run.deadline = setTimeout(() => this.#overdue(run), killAfterMs);
  }

  /** A run that was asked to stop did not: its process is killed, and the others go on elsewhere. */
  #overdue(run: Run): void {
    const { host } = run;
    this.#options.log.warn("a task does not stop: its process is killed", { id: run.live.id });
    this.#row(run, "error", "It did not stop when asked to: its process was ended");
    this.#endWith(run, { how: "stopped", reason: run.stop ?? "timeout" });
    this.#job(host.host.kill());
    this.#hostGone(host, false, "its process was ended because of another task");
  }

  #endWith(run: Run, end: RunEnd): void {
    const { live } = run;
    const { log, kinds, store } = this.#options;
    if (end.how === "returned") {
      return this.#end(run, () => live.change({ type: "complete" }, end.json));
    }
    if (end.how === "stopped" && end.reason === "cancel") {
      return this.#end(run, () => live.change({ type: "cancel" }));
    }
    if (end.how === "stopped" && end.reason === "stop") {
      this.#row(run, "info", "Interrupted: the server stops; goes on from the last checkpoint");
      return this.#end(run, () => live.change({ type: "interrupt", died: false }));
    }
    const error = end.how === "threw" ? end.error : {
      name: "TimeoutError",
      message: `The attempt took longer than ${live.task.timeoutMs} ms`,
    };
    const { kind, attempt, max_attempts, cancel_requested } = live.record;
    log.info("a task failed", {
      id: live.id,
      kind,
      attempt,
      error: error.message,
      stack: end.stack,
    });
    let retryAfterMs: number | null = null;
    if (attempt < max_attempts && !cancel_requested) {
      retryAfterMs = retryDelay(attempt, kinds.get(kind)!.retry);
      const text = `Attempt ${attempt} of ${max_attempts} failed: ${error.message}`;
      live.row("log", logRow("warn", text, store.now(), { retry_in_ms: retryAfterMs }));
    }
    this.#end(run, () => live.change({ type: "fail", error, retryAfterMs }));
  }

  /** Takes a run off the books and changes its task; one that is pending again is offered. */
  #end(run: Run, change: () => unknown): void {
    const { live } = run;
    const { slot } = live.task;
    change();
    this.#forget(run);
    if (slot !== null) {
      // Free for the next only when the store says so: its claim checks that.
      this.#job(
        live.committed().then(() => {
          this.#slots.get(live.record.kind)?.delete(slot);
          this.#pump();
        }),
      );
    }
    if (live.record.status === "pending" && !this.#stopping) this.#offer(live);
    else this.#pump();
  }

  /** A run whose claim was lost, or whose task the store will not keep. */
  #drop(run: Run, contended: boolean): void {
    const { kind } = run.live.record;
    this.#forget(run);
    if (run.live.task.slot !== null && contended) this.#job(this.#readSlots(kind));
    this.#pump();
  }

  #forget(run: Run): void {
    const { host, live } = run;
    clearTimeout(run.deadline);
    host.runs.delete(run.number);
    if (this.#runs.get(live.id) === run) this.#runs.delete(live.id);
    this.#endings.get(run)?.resolve();
    if (host.isolated && host.runs.size === 0 && this.#hosts.delete(host)) {
      this.#job(host.host.close());
    }
  }

  #useSlot(kind: string, slot: number): void {
    let used = this.#slots.get(kind);
    if (!used) this.#slots.set(kind, used = new Set());
    used.add(slot);
  }

  #row(run: Run, level: string, message: string): void {
    run.live.row("log", logRow(level, message, this.#options.store.now()));
  }

  /** Owns a promise: a failure is logged, and `stop()` waits for it. */
  #job(promise: Promise<unknown>): void {
    const job = promise.catch((error) => {
      if (!this.#stopping) this.#options.log.error("the runner stumbled", { error });
    }).finally(() => this.#jobs.delete(job));
    this.#jobs.add(job);
  }
}

function logRow(
  level: string,
  message: string,
  at: number,
  data?: Record<string, unknown>,
): string {
  const time = new Date(at).toISOString();
  return JSON.stringify(data ? { level, message, time, data } : { level, message, time });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
