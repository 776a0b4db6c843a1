/**
 * Makes the tasks of schedules when their times come, with one timer for all. Each process that has
 * the kind of a schedule does so, and of two that do it at once only one commit lands.
 *
 * @module
 */

import { Semaphore } from "../base/semaphore.ts";
import { Timer } from "../base/timer.ts";
import {
  listSchedules,
  readSchedule,
  readSchedulesHead,
  type StoredSchedule,
} from "../kv/schedules.ts";
import { StoreError } from "../store/store_error.ts";
import { type KindSchedulesOptions, syncKindSchedules } from "./kind_schedules.ts";
import { ScheduleSlots, type ScheduleSlotsOptions } from "./schedule_slots.ts";

export interface SchedulerOptions
  extends ScheduleSlotsOptions, Pick<KindSchedulesOptions, "kinds" | "isNewest"> {}

/** Milliseconds between two looks at the clock, which may be set. */
const LOOK_MS = 5000;

/** Milliseconds until it goes on after a failure, or after as many tasks as one turn may make. */
const AGAIN_MS = 250;

/** Most schedules that are processed at once. */
const LOOKS = 16;

/** How often in a row another process may be first before a schedule is left for a moment. */
const TRIES = 5;

interface Known {
  schedule: StoredSchedule;
  versionstamp: string;
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** The last error that was logged about it. */
  told?: string;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: ScheduleSlots;
  readonly #known = new Map<string, Known>();
  readonly #looks = new Semaphore(LOOKS);
  readonly #timer = new Timer();
  #head: string | null | undefined;
  /** When schedules with queued times are looked at next, by `performance.now()`. */
  #queuedAt = 0;
  #turn: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /** Nothing happens before {@link Scheduler.start}. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#slots = new ScheduleSlots(options);
  }

  start(): void {
    this.#options.schedules.onchange = () => this.#begin();
    this.#begin();
  }

  /** Looks again: at the schedule of a task that has ended, or at all when the kinds here change. */
  wake(id?: string): void {
    const known = id === undefined ? this.#known.values() : [this.#known.get(id)];
    for (const one of known) if (one) one.dueAt = 0;
    this.#begin();
  }

  /** Begins nothing more. Resolves when the turn under way is over. */
  async stop(): Promise<void> {
    this.#closed = true;
    this.#options.schedules.onchange = undefined;
    this.#timer.clear();
    await this.#turn;
  }

  #begin(): void {
    if (this.#closed) return;
    this.#timer.clear();
    if (this.#turn) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#turn = this.turn().catch((error) => {
      if (!this.#closed) this.#tell("schedules could not be processed", error);
      return AGAIN_MS;
    }).then((wait) => {
      this.#turn = undefined;
      if (this.#closed) return;
      if (this.#again) this.#begin();
      else this.#timer.set(wait, () => this.#begin());
    });
  }

  /**
   * Processes all schedules that are due.
   *
   * @returns Milliseconds until the next turn.
   */
  async turn(): Promise<number> {
    const { store, schedules, kinds, isNewest } = this.#options;
    await this.#refresh();
    await syncKindSchedules(
      { schedules, kinds, isNewest },
      new Map(Array.from(this.#known, ([id, { schedule }]) => [id, schedule])),
    );
    await this.#refresh();
    this.#slots.makeRoom();
    const now = store.now();
    // Another process does not tell when a task that it runs has ended.
    const queued = performance.now() >= this.#queuedAt;
    if (queued) this.#queuedAt = performance.now() + LOOK_MS;
    const due = [...this.#known.values()].filter(({ dueAt, schedule: { slots } }) =>
      dueAt <= now || now < slots.cursor || (queued && slots.queued.length > 0)
    );
    // Longest due first: if more are due than one turn makes, each has its turn.
    due.sort((a, b) => a.dueAt - b.dueAt);
    await Promise.all(due.map((known) => this.#looks.run(() => this.#look(known))));
    let next = now + LOOK_MS;
    for (const { dueAt } of this.#known.values()) next = Math.min(next, dueAt);
    const wait = Math.max(0, next - store.now());
    return this.#slots.full ? Math.max(AGAIN_MS, wait) : Math.min(LOOK_MS, wait);
  }

  async #refresh(): Promise<void> {
    const { kv } = this.#options.store;
    const { versionstamp } = await readSchedulesHead(kv);
    if (versionstamp === this.#head) return;
    const entries = versionstamp === null ? [] : await listSchedules(kv);
    this.#head = versionstamp;
    const ids = new Set(entries.map(({ value }) => value.id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    for (const { value: schedule, versionstamp } of entries) {
      if (this.#known.get(schedule.id)?.versionstamp === versionstamp) continue;
      this.#known.set(schedule.id, { schedule, versionstamp, dueAt: 0 });
    }
  }

  async #look(known: Known): Promise<void> {
    if (this.#closed || this.#slots.full) return;
    const { id } = known.schedule;
    // A wake in the meantime sets 0, and so has it looked at again.
    known.dueAt = Infinity;
    const next = (at: number) => void (known.dueAt = Math.min(known.dueAt, at));
    try {
      for (let tries = 0; tries < TRIES && !this.#closed; tries++) {
        const entry = await readSchedule(this.#options.store.kv, id);
        if (!entry) return;
        Object.assign(known, { schedule: entry.value, versionstamp: entry.versionstamp });
        const until = await this.#slots.advance(entry);
        // It made progress, so the tries begin at 0 again.
        if (until === "again") tries = -1;
        else if (until !== "lost") {
          delete known.told;
          return next(until);
        }
      }
      next(this.#options.store.now() + AGAIN_MS);
    } catch (error) {
      next(this.#options.store.now() + LOOK_MS);
      const why = String(error);
      if (!this.#closed && (known.told !== why)) {
        this.#tell("a schedule cannot be processed", error, id);
      }
      known.told = why;
    }
  }

  #tell(sentence: string, error: unknown, schedule?: string): void {
    // That the store takes no writes is logged elsewhere.
    if (error instanceof StoreError) return;
    this.#options.log.error(sentence, schedule === undefined ? { error } : { schedule, error });
  }
}
