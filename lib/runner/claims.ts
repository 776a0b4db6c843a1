/**
 * Takes pending tasks for this process, as long as there is room: from the queue to a run whose
 * claim is on its way into the journal.
 *
 * @module
 */

import type { HubEvent } from "../feed/hub_event.ts";
import type { Jobs } from "./jobs.ts";
import type { LiveTask } from "../store/live_task.ts";
import { Pending } from "./pending.ts";
import { isChange } from "../task/event.ts";
import { isQueued, waits } from "../task/record.ts";
import { Run, type RunParts } from "./run.ts";
import type { Runs } from "./runs.ts";
import { Slots } from "./slots.ts";
import type { Store } from "../store/store.ts";
import type { TaskPool } from "./task_pool.ts";
import { type Use, useOf, USES } from "./member.ts";
import type { TaskPools } from "./task_pools.ts";
import type { Kinds } from "./kinds.ts";
import { claimDelay } from "../cluster/claim_order.ts";
import type { Pauses } from "../cluster/pauses.ts";

export interface ClaimsOptions extends RunParts {
  store: Store;
  kinds: Kinds;
  pools: TaskPools<Run>;
  pauses: Pauses;
  /** The sessions that run tasks, this one among them. */
  workers(): readonly string[];
  /**
   * Claims that may be on their way to the store at once, where other processes want the same tasks:
   * one that waits for long is lost by the time it comes there.
   */
  atOnce: number;
  runs: Runs;
  jobs: Jobs;
}

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #pending: Pending;
  readonly #slots: Slots;
  /** Pending, and held until there is a process for them. */
  readonly #held = new Map<TaskPool<Run>, Record<Use, LiveTask[]>>();
  /** Tasks taken from the queue that are being loaded: in all, by kind, and by where they are to run. */
  #loading = 0;
  readonly #loadingOf = new Map<string | TaskPool<Run>, number>();
  /** Claims that are not in the store yet. */
  #underWay = 0;
  #closed = false;

  /** Knows of nothing before {@link Claims.load}. */
  constructor(options: ClaimsOptions) {
    this.#options = options;
    const { store, workers, jobs } = options;
    this.#slots = new Slots(store.kv);
    this.#pending = new Pending({
      kv: store.kv,
      now: store.now,
      claimDelay: (id) => claimDelay(id, store.sid, workers()),
      onready: () => this.pump(),
      own: (promise) => jobs.own(promise),
    });
  }

  /** Takes up what waits in the store, of the kinds that are known by now and were not before. */
  async load(): Promise<void> {
    await this.#pending.load(this.#options.kinds.names());
    this.pump();
  }

  close(): void {
    this.#closed = true;
    this.#pending.close();
  }

  /** A task may have come into the queue, and this process has its state. */
  offer(live: LiveTask): void {
    if (isQueued(live.record)) this.#pending.offer(live);
  }

  /** A task that was pending is no longer. */
  forget(id: string): void {
    this.#pending.forget(id);
  }

  /** Hears what another process did. */
  hear(heard: HubEvent): void {
    const { type, kind } = heard.event;
    if (!this.#closed) this.#pending.hear(heard);
    if (isChange(type)) this.refresh(kind);
  }

  /** Other processes may have taken slots of a kind, or left some: reads them again. */
  refresh(kind: string): void {
    if (this.#slots.has(kind)) this.#options.jobs.own(this.readSlots(kind));
  }

  async readSlots(kind: string): Promise<void> {
    const own = [];
    for (const { live } of this.#options.runs.all()) {
      if (live.record.kind === kind && live.task.slot !== null) own.push(live.task.slot);
    }
    await this.#slots.read(kind, own);
    this.pump();
  }

  /** Claims for as long as there is room, and something that may run. */
  pump(): void {
    if (this.#closed) return;
    const { store, pools, runs, jobs } = this.#options;
    for (const [pool, held] of this.#held) {
      for (const use of USES) {
        if (held[use].length === 0 || !pool.has(use, held[use].length)) continue;
        for (const live of held[use].splice(0)) this.#pending.offer(live);
      }
    }
    while (this.#mayClaim) {
      const candidate = this.#pending.next((kind, waiting) => this.#mayRun(kind, waiting));
      if (!candidate) break;
      const { id, kind, live } = candidate;
      if (runs.has(id)) continue;
      if (live && store.adopt(live)) {
        this.#claim(live);
        continue;
      }
      const pool = pools.of(kind)!;
      this.#countLoading(kind, pool, 1);
      jobs.own(
        store.withTask(id, (live) => this.#claim(live)).finally(() => {
          this.#countLoading(kind, pool, -1);
          this.pump();
        }),
      );
    }
    this.#pending.rest();
  }

  #countLoading(kind: string, pool: TaskPool<Run>, change: number): void {
    this.#loading += change;
    for (const key of [kind, pool]) {
      this.#loadingOf.set(key, (this.#loadingOf.get(key) ?? 0) + change);
    }
  }

  get #mayClaim(): boolean {
    return this.#underWay + this.#loading < this.#options.atOnce;
  }

  #mayRun(kind: string, waiting: number): boolean {
    const { kinds, pools, pauses } = this.#options;
    if (pauses.get(kind)) return false;
    const [pool, known] = [pools.of(kind), kinds.get(kind)];
    if (!pool || !known || !this.#hasRoom(pool)) return false;
    const { isolate, concurrency } = known;
    // What is being loaded goes first: it is to find its slot free.
    if (concurrency !== null && this.#freeSlot(kind, concurrency) === null) return false;
    return pool.has(isolate ? "own" : "shared", Math.min(waiting, concurrency ?? Infinity));
  }

  #hasRoom(pool: TaskPool<Run>): boolean {
    return pool.running + (this.#loadingOf.get(pool) ?? 0) < pool.capacity;
  }

  #freeSlot(kind: string, concurrency: number): number | null {
    return this.#slots.free(kind, concurrency, this.#loadingOf.get(kind));
  }

  #hold(live: LiveTask, pool: TaskPool<Run>, use: Use): void {
    const held = this.#held.get(pool) ?? { shared: [], ward: [], own: [] };
    held[use].push(live);
    this.#held.set(pool, held);
    // Has one started.
    pool.has(use, held[use].length);
  }

  #claim(live: LiveTask): void {
    const { store, kinds, pools, runs, jobs, pauses } = this.#options;
    const { kind, run_at, updated_at } = live.record;
    const [pool, known] = [pools.of(kind), kinds.get(kind)];
    if (!isQueued(live.record) || runs.has(live.id) || this.#closed) return;
    // It may have failed elsewhere since it was put into the queue, and wait for its retry.
    if (waits(live.record) && Date.parse(run_at) > store.now()) return this.#pending.offer(live);
    // Its module may have failed since it was chosen, or its kind been paused.
    if (!pool || !known || pauses.get(kind)) return this.#pending.offer(live);
    const { isolate, concurrency } = known;
    const slot = concurrency === null ? null : this.#slots.free(kind, concurrency);
    // The last slot may have gone while the task was loaded.
    if (concurrency !== null && slot === null) return this.#pending.offer(live);
    const { resuming, checkpointed, deaths } = live.task;
    const use = isolate ? "own" : useOf(deaths);
    // The last process may be gone since the task was chosen.
    if (!pool.has(use)) return this.#hold(live, pool, use);
    const start = { type: "start", owner: store.sid, slot } as const;
    if (!live.change(start, null, { checks: [pauses.check] }).ok) return;
    if (slot !== null) this.#slots.take(kind, slot);
    if (resuming && checkpointed) live.log("info", "Resumed from the last checkpoint");
    // One that was interrupted has waited since then, not since it first could run.
    const since = Date.parse(run_at > updated_at ? run_at : updated_at);
    const waitedMs = Math.max(0, store.now() - since);
    const onended = () => this.#ended(live, slot);
    const run = new Run(this.#options, { live, member: pool.pick(use), waitedMs, onended });
    runs.add(run);
    this.#underWay++;
    jobs.own(this.#begin(run, slot));
  }

  /** Has a run begin once its claim is durable. */
  async #begin(run: Run, slot: number | null): Promise<void> {
    const { live } = run;
    const claim = await live.committed();
    this.#landed();
    if (!claim.ok) {
      run.drop();
      if (claim.reason === "conflict") await this.#lost(live, slot);
      return this.pump();
    }
    await run.begin();
  }

  /** There is room again: for its own task, too, where it is pending. */
  #ended(live: LiveTask, slot: number | null): void {
    if (slot !== null) this.#options.jobs.own(this.#release(live, slot));
    this.offer(live);
    this.pump();
    if (live.record.waiting_for?.type === "signal") this.#options.jobs.own(this.#wake(live));
  }

  /** The signal may have come while its task was about to wait for it. */
  async #wake(live: LiveTask): Promise<void> {
    await live.committed();
    await this.#options.store.wake(live.id);
  }

  /** A claim is in the store, or lost. */
  #landed(): void {
    const mayNotClaim = !this.#mayClaim;
    this.#underWay--;
    if (mayNotClaim) this.pump();
  }

  /** The next claim of a slot checks that it is free: it is when the run's end is committed. */
  async #release(live: LiveTask, slot: number): Promise<void> {
    await live.committed();
    this.#slots.release(live.record.kind, slot);
    this.pump();
  }

  /** A claim was lost to another process: the task, or only the slot it was to have; or to a pause. */
  async #lost({ id, record: { kind } }: LiveTask, slot: number | null): Promise<void> {
    const { store, runs, pauses } = this.#options;
    await pauses.read();
    if (slot !== null) await this.readSlots(kind);
    await store.withTask(id, (live) => {
      const { record: { status }, owner } = live.task;
      if (status === "running" && owner === store.sid && !runs.has(id)) {
        // It was our own claim: a connection broke before the answer, and the write was repeated.
        live.change({ type: "interrupt", died: false });
      }
      this.offer(live);
    });
  }
}
