/**
 * Makes the tasks of schedules when their time comes: one timer for all of them. Each process that
 * has a schedule's kind looks after it, and of two that do so at once one commit lands.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { Semaphore } from "../base/semaphore.ts";
import { Timer } from "../base/timer.ts";
import { claimDelay } from "../cluster/claim_order.ts";
import { isUnderWay } from "../kv/head.ts";
import { keys, memberIn } from "../kv/keys.ts";
import {
  listSchedules,
  readSchedule,
  readSchedulesHead,
  type ScheduleEntry,
  scheduleSet,
  type SlotState,
  type StoredSchedule,
  withOutcome,
} from "../kv/schedules.ts";
import type { Store, Submission } from "../store/store.ts";
import { inTime, StoreError } from "../store/store_error.ts";
import type { Kind } from "../task/kind.ts";
import type { TaskRecord } from "../task/record.ts";
import { namedUploads } from "../task/named_uploads.ts";
import type { CronTimes } from "./cron.ts";
import { decide, decideNew, settle, type Skipped, type Under } from "./due.ts";
import { type KindSchedulesOptions, syncKindSchedules } from "./kind_schedules.ts";
import { checkOf } from "./schedule_parts.ts";
import type { Schedules } from "./schedules.ts";
import { submissionFor } from "./submission_for.ts";
import { timesOf } from "./times.ts";

export interface SchedulerOptions extends Pick<KindSchedulesOptions, "kinds" | "isNewest"> {
  store: Store;
  schedules: Schedules;
  /** A kind that this process has. */
  kind(name: string): Kind | undefined;
  /**
   * What the schema of a kind makes of an input; `null` where it does not fit or nobody can say now:
   * then each attempt does. @default {nobody can}
   */
  check?: (kind: string, input: string | null) => Promise<CheckedInput | null>;
  /** The sessions that run tasks, this one among them. @default {this one alone} */
  workers?: () => readonly string[];
  metrics?: Metrics | undefined;
  log: Logger;
}

/** What is stored of an input that was checked. */
export type CheckedInput = Pick<Submission, "input" | "parsed" | "keys">;

/** Milliseconds between two looks at the clock, which may be set. */
const LOOK_MS = 5000;

/** Milliseconds until it goes on after what could not be done, or was enough at once. */
const AGAIN_MS = 250;

/** Tasks made at once, and schedules looked after at once. */
const MAX_AT_ONCE = 100;
const LOOKS = 16;

/** How often a schedule is decided about again at once, since another process was first. */
const TRIES = 5;

interface Known {
  schedule: StoredSchedule;
  versionstamp: string;
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** What was told of what is wrong with it. */
  told?: string;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #known = new Map<string, Known>();
  readonly #looks = new Semaphore(LOOKS);
  readonly #timer = new Timer();
  #head: string | null | undefined;
  #room = 0;
  /** When those with times that wait are looked at, whatever is heard: by a clock that nobody sets. */
  #queuedAt = 0;
  #turn: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /** Nothing happens before {@link Scheduler.start}. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.schedules.onchange = () => this.#begin();
    this.#begin();
  }

  /** A task of this schedule has ended; or there are other kinds here than before. */
  wake(id?: string): void {
    const known = id === undefined ? this.#known.values() : [this.#known.get(id)];
    for (const one of known) if (one) one.dueAt = 0;
    this.#begin();
  }

  /** Begins nothing more. Resolves when what is under way is over. */
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
      if (!this.#closed) this.#tell("schedules could not be looked after", error);
      return AGAIN_MS;
    }).then((wait) => {
      this.#turn = undefined;
      if (this.#closed) return;
      if (this.#again) this.#begin();
      else this.#timer.set(wait, () => this.#begin());
    });
  }

  /**
   * Looks after all that is due.
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
    this.#room = MAX_AT_ONCE;
    const now = store.now();
    // Of the end of a task that another process has nothing is heard.
    const queued = performance.now() >= this.#queuedAt;
    if (queued) this.#queuedAt = performance.now() + LOOK_MS;
    const due = [...this.#known.values()].filter(({ dueAt, schedule: { slots } }) =>
      dueAt <= now || now < slots.cursor || (queued && slots.queued.length > 0)
    );
    // Where more come than can be made, each has its turn.
    due.sort((a, b) => a.dueAt - b.dueAt);
    await Promise.all(due.map((known) => this.#looks.run(() => this.#look(known))));
    let next = now + LOOK_MS;
    for (const { dueAt } of this.#known.values()) next = Math.min(next, dueAt);
    const wait = Math.max(0, next - store.now());
    return this.#room === 0 ? Math.max(AGAIN_MS, wait) : Math.min(LOOK_MS, wait);
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
    if (this.#closed || this.#room === 0) return;
    const { id } = known.schedule;
    // Whatever wakes it meanwhile has it looked at again.
    known.dueAt = Infinity;
    const next = (at: number) => void (known.dueAt = Math.min(known.dueAt, at));
    try {
      for (let tries = 0; tries < TRIES && !this.#closed; tries++) {
        const entry = await readSchedule(this.#options.store.kv, id);
        if (!entry) return;
        Object.assign(known, { schedule: entry.value, versionstamp: entry.versionstamp });
        const until = await this.#advance(entry);
        // Not a try: it has come further.
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
      if (!this.#closed && (known.told !== why)) this.#tell("a schedule cannot be kept", error, id);
      known.told = why;
    }
  }

  /**
   * Carries out what is to be done first.
   *
   * @returns When to look again, in milliseconds since the epoch; or at once, as there may be more, or
   *   as another process was first.
   */
  async #advance(entry: ScheduleEntry): Promise<number | "again" | "lost"> {
    const { store, kind: kindOf, workers } = this.#options;
    const schedule = entry.value;
    const kind = kindOf(schedule.kind);
    // It is kept by those who have its kind, and once there are some.
    if (!kind || schedule.paused) return Infinity;
    const { ended, slots: { queued } } = schedule;
    if (ended && queued.length === 0) {
      await this.#options.schedules.remove(schedule.id);
      return Infinity;
    }
    const times = await timesOf(schedule);
    const now = store.now();
    const decision = decide(times, schedule, schedule.slots, now);
    if (decision.type === "due") {
      const { slot } = decision;
      const first = slot + claimDelay(`${schedule.id} ${slot}`, store.sid, workers?.() ?? []);
      if (now < first) return first;
      const under = schedule.overlap === "allow" ? null : await this.#under(schedule);
      const settled = settle(schedule, schedule.slots, decision, under);
      if (settled.type === "make") {
        return await this.#make(entry, kind, slot, settled.slots);
      }
      if (settled.type === "skip") return await this.#skip(entry, settled.skipped, settled.slots);
      if (settled.type === "queue") return await this.#write(entry, settled);
      return ended ? Infinity : await this.#behind(entry, times, now, under);
    }
    if (decision.type === "skip") return await this.#skip(entry, decision.skipped, decision.slots);
    if (decision.type === "back") return await this.#write(entry, decision);
    return decision.until ?? Infinity;
  }

  /** What waits has to wait longer: looks for what comes behind it. */
  async #behind(
    entry: ScheduleEntry,
    times: CronTimes,
    now: number,
    under: Under | null,
  ): Promise<number | "again" | "lost"> {
    const { value: schedule } = entry;
    const decision = decideNew(times, schedule, schedule.slots, now);
    if (decision.type === "rest") return decision.until ?? Infinity;
    if (decision.type === "back") return await this.#write(entry, decision);
    if (decision.type === "skip") return await this.#skip(entry, decision.skipped, decision.slots);
    const settled = settle(schedule, schedule.slots, decision, under);
    if (settled.type === "skip") return await this.#skip(entry, settled.skipped, settled.slots);
    return settled.type === "queue" ? await this.#write(entry, settled) : Infinity;
  }

  /** The newest task of it that has not ended. */
  async #under({ id }: StoredSchedule): Promise<Under | null> {
    const { kv, heads } = this.#options.store;
    const tasks = kv.list({ prefix: keys.scheduledOf(id) }, { reverse: true, batchSize: 1 });
    for await (const { key } of tasks) {
      const head = await heads.get(memberIn(key));
      if (head && isUnderWay(head)) {
        const { scheduled_for } = JSON.parse(head.record) as TaskRecord;
        return { slot: scheduled_for === undefined ? null : Date.parse(scheduled_for) };
      }
    }
    return null;
  }

  async #make(
    entry: ScheduleEntry,
    kind: Kind,
    slot: number,
    slots: SlotState,
  ): Promise<number | "again" | "lost"> {
    const { store, metrics, check } = this.#options;
    const schedule = entry.value;
    if (this.#room === 0) return slot;
    this.#room--;
    const submission = await submissionFor(store.kv, schedule, kind, slot);
    const checked = kind.checked ? await check?.(kind.kind, submission.input) : null;
    const submitted = await store.submit({
      ...submission,
      ...checked,
      ...(checked ? { named: namedUploads(checked.input) } : {}),
      also: (task) => {
        const outcome = { type: "task" as const, at: store.now(), slot, task };
        const after = withOutcome({ ...schedule, slots }, outcome);
        return { checks: [checkOf(entry)], sets: [scheduleSet(after)] };
      },
    });
    if (submitted.ok) {
      metrics?.scheduled(schedule.kind, store.now() - slot);
      return "again";
    }
    if (submitted.reason === "conflict") return "lost";
    const why = submitted.reason === "no-upload"
      ? `its input names an upload that is gone: ${submitted.upload.id.slice(0, 64)}`
      : `its input cannot be taken in: ${submitted.reason}`;
    const skipped = { from: slot, to: slot, count: 1, reason: "refused" as const, why };
    return await this.#skip(entry, skipped, slots);
  }

  async #skip(
    entry: ScheduleEntry,
    skipped: Skipped & { why?: string },
    slots: SlotState,
  ): Promise<"again" | "lost"> {
    const { store, metrics, log } = this.#options;
    const { id, kind } = entry.value;
    const outcome = { type: "skip" as const, at: store.now(), ...skipped };
    const written = await this.#commit(entry, withOutcome({ ...entry.value, slots }, outcome));
    if (written === "lost") return written;
    const { from, to, count, reason } = skipped;
    metrics?.scheduleSkipped(kind, reason, count);
    const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const tell = reason === "overlap" ? log.debug : log.info;
    tell.call(log, "times of a schedule were skipped", { schedule: id, reason, count, ...times });
    return written;
  }

  #write(entry: ScheduleEntry, { slots }: { slots: SlotState }): Promise<"again" | "lost"> {
    return this.#commit(entry, { ...entry.value, slots });
  }

  async #commit(entry: ScheduleEntry, after: StoredSchedule): Promise<"again" | "lost"> {
    const { store } = this.#options;
    store.requireStore();
    const part = { checks: [checkOf(entry)], sets: [scheduleSet(after)] };
    const written = await inTime(store.journal.write(part));
    if (written.ok) return "again";
    if (written.reason === "conflict") return "lost";
    throw new StoreError(written);
  }

  #tell(sentence: string, error: unknown, schedule?: string): void {
    // That the store takes nothing is told elsewhere.
    if (error instanceof StoreError) return;
    this.#options.log.error(sentence, schedule === undefined ? { error } : { schedule, error });
  }
}
