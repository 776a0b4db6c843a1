/**
 * Claims pending tasks for this process while it has room: takes them from the queue and makes
 * runs, whose claims go into the journal.
 *
 * @module
 */

import type { HubEvent } from "../feed/hub_event.ts";
import type { Jobs } from "./jobs.ts";
import type { LiveTask } from "../store/live_task.ts";
import { Pending } from "./pending.ts";
import { isChange } from "../task/event.ts";
import { isQueued, type TaskRecord, waits } from "../task/record.ts";
import { MissingKeys } from "./missing_keys.ts";
import { Run, type RunParts } from "./run.ts";
import type { Runs } from "./runs.ts";
import { lacksKeys, type Places, StartLimits } from "./start_limits.ts";
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
  /** The sessions that run tasks, including this one. */
  workers(): readonly string[];
  /**
   * How many claims may wait for the store at once. Where other processes want the same tasks, a claim
   * that waits for long is lost by the time it gets there.
   */
  atOnce: number;
  /** Whether no other process runs tasks of this store. */
  alone: boolean;
  runs: Runs;
  jobs: Jobs;
}

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #pending: Pending;
  readonly #limits: StartLimits;
  readonly #missingKeys: MissingKeys;
  /** Pending tasks that are held until there is a process for them. */
  readonly #held = new Map<TaskPool<Run>, Record<Use, LiveTask[]>>();
  /** How many tasks taken from the queue are being loaded: in total, and by pool. */
  #loading = 0;
  readonly #loadingOf = new Map<TaskPool<Run>, number>();
  /** How many claims are not in the store yet. */
  #underWay = 0;
  #closed = false;

  /** Knows of nothing before {@link Claims.load}. */
  constructor(options: ClaimsOptions) {
    this.#options = options;
    const { store, workers, alone, jobs } = options;
    this.#limits = new StartLimits({
      kv: store.kv,
      write: (part) => store.journal.write(part),
      alone,
      now: store.now,
      jobs,
      own: (name) => this.#options.runs.slotsOf(name),
      onfree: (kind, by) => {
        this.#pending.release(kind, by);
        this.pump();
      },
    });
    this.#missingKeys = new MissingKeys({
      ...options,
      ongiven: (live) => {
        this.offer(live);
        this.pump();
      },
    });
    this.#pending = new Pending({
      kv: store.kv,
      now: store.now,
      claimDelay: (id) => claimDelay(id, store.sid, workers()),
      onready: () => this.pump(),
      own: (promise) => jobs.own(promise),
      park: (id) => jobs.ensure(() => this.#park(id)),
    });
  }

  /** Takes up the stored tasks of kinds that have become known since the last call. */
  async load(): Promise<void> {
    await this.#pending.load(this.#options.kinds.names());
    this.pump();
  }

  close(): void {
    this.#closed = true;
    this.#pending.close();
    this.#limits.close();
    this.#missingKeys.close();
  }

  /** Queues a task of which this process has the state, if it waits to run. */
  offer(live: LiveTask): void {
    if (isQueued(live.record)) this.#pending.offer(live);
  }

  /** Takes out a task that is no longer pending. */
  forget(id: string): void {
    this.#pending.forget(id);
  }

  /** Takes in an event of another process. */
  hear(heard: HubEvent): void {
    const { type, kind, json } = heard.event;
    if (!this.#closed) this.#pending.hear(heard);
    if (!isChange(type)) return;
    const known = this.#options.kinds.get(kind);
    if (!known?.keyed) this.refresh({ kind });
    else if (type === "message") this.refresh(JSON.parse(json) as TaskRecord);
  }

  /** How many slots of a name are taken, as far as is known. */
  countSlots(name: string): number {
    return this.#limits.countSlots(name);
  }

  /** Reads the slots of a task's kind or key again: other processes may have taken or freed some. */
  refresh({ kind, keys }: Pick<TaskRecord, "kind" | "keys">): void {
    const known = this.#options.kinds.get(kind);
    if (known) this.#limits.refresh(known, keys);
  }

  /** Claims tasks while there is room and a task that may run. */
  pump(): void {
    if (this.#closed) return;
    const { store, pools, runs, jobs } = this.#options;
    for (const [pool, held] of this.#held) {
      for (const use of USES) {
        if (held[use].length === 0 || !pool.has(use, held[use].length)) continue;
        for (const live of held[use].splice(0)) this.#pending.offer(live);
      }
    }
    const { kinds } = this.#options;
    const mayRun = (kind: string, waiting: number) => this.#mayRun(kind, waiting);
    const heldBy = (kind: string, key: string | undefined) => {
      const known = kinds.get(kind);
      return known ? this.#limits.heldBy(known, key) : null;
    };
    while (this.#mayClaim) {
      const candidate = this.#pending.next(mayRun, heldBy);
      if (!candidate) break;
      const { id, kind, key, live } = candidate;
      if (runs.has(id)) continue;
      // A refused start takes the rest of its commit with it. A submit is made again; the end of a run
      // is not, so it is committed first.
      const bare = !live || live.clean || live.record.attempt === 0;
      if (live && bare && store.adopt(live)) {
        this.#claim(live);
        continue;
      }
      const pool = pools.of(kind)!;
      this.#countLoading(pool, 1);
      // Reserves its slots, so that they are free once it is loaded.
      const done = this.#limits.reserve(kinds.get(kind)!, key);
      jobs.own(
        Promise.resolve(bare ? null : live.committed()).then(() =>
          store.withTask(id, (live) => this.#claim(live))
        ).catch((error) => {
          this.#pending.putBack(candidate);
          throw error;
        }).finally(() => {
          this.#countLoading(pool, -1);
          done();
          this.pump();
        }),
      );
    }
    this.#pending.rest();
  }

  #countLoading(pool: TaskPool<Run>, change: number): void {
    this.#loading += change;
    this.#loadingOf.set(pool, (this.#loadingOf.get(pool) ?? 0) + change);
  }

  get #mayClaim(): boolean {
    return this.#underWay + this.#loading < this.#options.atOnce;
  }

  #mayRun(kind: string, waiting: number): boolean {
    const { kinds, pools, pauses } = this.#options;
    if (pauses.get(kind)) return false;
    const [pool, known] = [pools.of(kind), kinds.get(kind)];
    if (!pool || !known || !this.#hasRoom(pool)) return false;
    const { isolate, concurrency, keyed } = known;
    if (keyed) return pool.has(isolate ? "own" : "shared", waiting);
    return pool.has(isolate ? "own" : "shared", Math.min(waiting, concurrency ?? Infinity));
  }

  #hasRoom(pool: TaskPool<Run>): boolean {
    return pool.running + (this.#loadingOf.get(pool) ?? 0) < pool.capacity;
  }

  #hold(live: LiveTask, pool: TaskPool<Run>, use: Use): void {
    const held = this.#held.get(pool) ?? { shared: [], ward: [], own: [] };
    held[use].push(live);
    this.#held.set(pool, held);
    // Starts a process for it.
    pool.has(use, held[use].length);
  }

  #claim(live: LiveTask): void {
    const { store, kinds, pools, runs, jobs, pauses, alone } = this.#options;
    const { kind, run_at, updated_at, keys } = live.record;
    const [pool, known] = [pools.of(kind), kinds.get(kind)];
    if (!isQueued(live.record) || runs.has(live.id) || this.#closed) return;
    // It may have failed elsewhere since it was put into the queue, and wait for its retry.
    if (waits(live.record) && Date.parse(run_at) > store.now()) return this.#pending.offer(live);
    // Its module may have failed since it was chosen, or its kind been paused.
    if (!pool || !known || pauses.get(kind)) return this.#pending.offer(live);
    const { isolate } = known;
    // Its kind may have keys only since a deploy, or the process that accepted it could not tell them.
    if (lacksKeys(known, keys)) return jobs.ensure(() => this.#missingKeys.give(live.id));
    const { resuming, checkpointed, deaths } = live.task;
    const use = isolate ? "own" : useOf(deaths);
    // The last process may be gone since the task was chosen.
    if (!pool.has(use)) return this.#hold(live, pool, use);
    const places = this.#limits.take(known, keys);
    // The last slot may have gone while the task was loaded.
    if (places === null) return this.#pending.offer(live);
    const { slot, part: { checks, sets } } = places;
    const shown = alone ? null : slot;
    const named = shown && shown.name !== kind ? { slotName: shown.name } : {};
    const start = { type: "start", owner: store.sid, slot: shown?.n ?? null, ...named } as const;
    if (!live.change(start, null, { checks: [pauses.check, ...checks], sets }).ok) {
      jobs.ensure(() => this.#limits.lost(known, places));
      return this.#limits.release(places);
    }
    this.#limits.started(places);
    if (resuming && checkpointed) live.rows.log("info", "Resumed from the last checkpoint");
    // An interrupted task has waited since the interruption, not since it could first run.
    const since = Date.parse(run_at > updated_at ? run_at : updated_at);
    const waitedMs = Math.max(0, store.now() - since);
    const onended = () => this.#ended(live, places);
    const run = new Run(this.#options, { live, member: pool.pick(use), slot, waitedMs, onended });
    runs.add(run);
    this.#underWay++;
    jobs.own(this.#begin(run, places));
  }

  /** Begins a run once its claim is durable. */
  async #begin(run: Run, places: Places): Promise<void> {
    const { live } = run;
    const claim = await live.committed();
    this.#landed();
    if (!claim.ok) {
      run.drop();
      return this.#options.jobs.ensure(() => this.#notClaimed(live, places, claim.reason));
    }
    this.#limits.landed(places, claim.versionstamp);
    await run.begin();
  }

  async #notClaimed(live: LiveTask, places: Places, reason: string): Promise<void> {
    if (places.slot !== null) await this.#limits.readSlots(places.kind, places.slot.name);
    if (reason === "conflict") await this.#lost(live, places);
    this.pump();
  }

  /** Frees what a run took and claims again: its own task, too, if it is pending. */
  #ended(live: LiveTask, places: Places): void {
    if (this.#options.alone) this.#limits.release(places);
    else if (places.slot !== null) this.#options.jobs.own(this.#release(live, places));
    this.offer(live);
    this.pump();
    if (live.record.waiting_for?.type === "signal") {
      this.#options.jobs.ensure(() => this.#wake(live));
    }
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

  /** Frees the slot once the run's end is committed: before that, the next claim would be refused. */
  async #release(live: LiveTask, places: Places): Promise<void> {
    await live.committed();
    this.#limits.release(places);
  }

  /** Moves a task that is due, and whose key is at its limit, to those that wait for the key. */
  async #park(id: string): Promise<void> {
    const { store } = this.#options;
    await store.withTask(id, (live) => {
      const { status, run_at } = live.record;
      // If the clock was set back since, it waits for its time again.
      const isDue = isQueued(live.record) && waits(live.record) &&
        Date.parse(run_at) <= store.now();
      if (isDue) live.change({ type: status === "waiting" ? "wake" : "due" });
      this.offer(live);
    });
  }

  /** A claim was refused: another process has the task or its slot, or its kind was paused. */
  async #lost({ id, record: { kind } }: LiveTask, places: Places): Promise<void> {
    const { store, runs, pauses, kinds } = this.#options;
    const known = kinds.get(kind);
    await pauses.read();
    if (known) await this.#limits.lost(known, places);
    await store.withTask(id, (live) => {
      const { record: { status }, owner } = live.task;
      if (status === "running" && owner === store.sid && !runs.has(id)) {
        // The claim was our own: a connection broke before the answer, and the write was repeated.
        live.change({ type: "interrupt", died: false });
      }
      this.offer(live);
    });
  }
}
