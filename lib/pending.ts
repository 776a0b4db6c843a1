/**
 * What this process knows of the tasks that wait: those offered here, those other processes took
 * in, and those that still lie in the store.
 *
 * @module
 */

import type { HubEvent } from "./hub_event.ts";
import { keys } from "./keys.ts";
import type { LiveTask } from "./live_task.ts";
import { type TaskRecord, waits } from "./record.ts";
import { type Candidate, Schedule, SCHEDULE_LIMIT } from "./schedule.ts";

/** What {@link Pending} takes. */
export interface PendingOptions {
  /** The handle, for reading. */
  kv: Deno.Kv;
  /** Kinds that run here: others' tasks are left to others. */
  kinds: ReadonlyMap<string, unknown>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that this process leaves a task to the others first. @default {none} */
  turn?(id: string): number;
  /** There may be something to run. */
  onready(): void;
  /** Owns a promise. */
  own(promise: Promise<unknown>): void;
}

/** Stands for the tasks not yet due, among the names of kinds. */
const LATER = "";

/** See the module. */
export class Pending {
  readonly #options: PendingOptions;
  readonly #schedule = new Schedule();
  readonly #reading = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Knows of nothing before {@link Pending.load}. */
  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** Reads what waits in the store. */
  async load(): Promise<void> {
    for (const kind of [LATER, ...this.#options.kinds.keys()]) await this.#read(kind);
  }

  /** Adds a task of which this process has the state. */
  offer(live: LiveTask): void {
    this.add({ ...this.#candidate(live.record), live });
  }

  /** Adds a task that any process may take: each waits for its turn. */
  add(candidate: Candidate): void {
    const { kinds, now, turn } = this.#options;
    if (!kinds.has(candidate.kind)) return;
    const time = now();
    const wait = candidate.live ? 0 : turn?.(candidate.id) ?? 0;
    if (wait > 0) candidate.claimAt = Math.max(time, candidate.runAt) + wait;
    this.#schedule.add(candidate, time);
  }

  /** Hears what another process did. */
  hear({ event }: HubEvent): void {
    if (event.type !== "message") return;
    if (!event.json.includes('"status":"pending"')) return this.#schedule.remove(event.id);
    this.add(this.#candidate(JSON.parse(event.json) as TaskRecord));
    this.#options.onready();
  }

  /** Takes the task that should run next among the kinds that may. */
  next(mayRun: (kind: string) => boolean): Candidate | null {
    return this.#schedule.next(this.#options.now(), mayRun);
  }

  /** Called when nothing more can be taken now: reads on, and wakes when the next one is due. */
  rest(): void {
    const { own, now, onready } = this.#options;
    const schedule = this.#schedule;
    for (const kind of schedule.overflowed) {
      if (schedule.sizeOf(kind) < SCHEDULE_LIMIT / 10) own(this.#read(kind).then(onready));
    }
    clearTimeout(this.#timer);
    const due = schedule.nextDue();
    if (due === null || this.#closed) return;
    this.#timer = setTimeout(onready, Math.min(60_000, Math.max(1, due - now())));
  }

  /** Wakes no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #read(kind: string): Promise<void> {
    if (this.#reading.has(kind)) return;
    this.#reading.add(kind);
    this.#schedule.overflowed.delete(kind);
    const prefix = kind === LATER ? keys.laters : keys.queueOf(kind);
    const options = { limit: SCHEDULE_LIMIT, batchSize: 500 };
    let count = 0;
    for await (
      const { key, value } of this.#options.kv.list<[string, number]>({ prefix }, options)
    ) {
      count++;
      const [of, priority] = value;
      const runAt = kind === LATER ? Number(key[1]) : this.#due(Number(key[3]));
      this.add({ id: String(key.at(-1)), kind: of, priority, runAt });
    }
    if (count === SCHEDULE_LIMIT) this.#schedule.overflowed.add(kind);
    this.#reading.delete(kind);
  }

  #candidate(record: TaskRecord): Candidate {
    const { task_id: id, kind, priority, run_at } = record;
    const runAt = Date.parse(run_at);
    return { id, kind, priority, runAt: waits(record) ? runAt : this.#due(runAt) };
  }

  /** The time for a task that waits for none: not one to come, as after a clock was set back. */
  #due(runAt: number): number {
    return Math.min(runAt, this.#options.now());
  }
}
