/**
 * Carries out what is decided about the times of one schedule: makes the task of a time, skips some,
 * or has one wait until an earlier task has ended. Each step is a commit that checks the schedule, so
 * of two processes one takes it.
 *
 * @module
 */

import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { claimDelay } from "../cluster/claim_order.ts";
import { isUnderWay } from "../kv/head.ts";
import { keys, memberIn } from "../kv/keys.ts";
import {
  type ScheduleEntry,
  scheduleSet,
  type SlotState,
  type StoredSchedule,
  withOutcome,
} from "../kv/schedules.ts";
import type { Store, Submission } from "../store/store.ts";
import { inTime, StoreError } from "../store/store_error.ts";
import type { Kind } from "../task/kind.ts";
import { namedUploads } from "../task/named_uploads.ts";
import type { TaskRecord } from "../task/record.ts";
import type { CronTimes } from "./cron.ts";
import { decide, decideNew, settle, type Skipped, type Under } from "./due.ts";
import { checkOf } from "./schedule_parts.ts";
import type { Schedules } from "./schedules.ts";
import { submissionFor } from "./submission_for.ts";
import { timesOf } from "./times.ts";

export interface ScheduleSlotsOptions {
  store: Store;
  schedules: Schedules;
  /** The definition of a kind that this process has loaded. */
  kind(name: string): Kind | undefined;
  /**
   * Checks an input by the schema of its kind; `null` if it does not fit or that cannot be checked now:
   * then each attempt checks it. @default {nobody can}
   */
  check?: (kind: string, input: string | null) => Promise<CheckedInput | null>;
  /** The sessions of all processes that run tasks, this one's included. @default {this one alone} */
  workers?: () => readonly string[];
  metrics?: Metrics | undefined;
  log: Logger;
}

/** The parts of a submission that come from a checked input. */
export type CheckedInput = Pick<Submission, "input" | "parsed" | "keys">;

/** Most tasks that are made in one turn. */
const MAX_AT_ONCE = 100;

export class ScheduleSlots {
  readonly #options: ScheduleSlotsOptions;
  /** How many more tasks may be made in this turn. */
  #room = 0;

  /** Makes no task before {@link ScheduleSlots.makeRoom}. */
  constructor(options: ScheduleSlotsOptions) {
    this.#options = options;
  }

  /** Begins another turn. */
  makeRoom(): void {
    this.#room = MAX_AT_ONCE;
  }

  /** Whether this turn has made as many tasks as it may. */
  get full(): boolean {
    return this.#room === 0;
  }

  /**
   * Carries out one decision about the times of a schedule.
   *
   * @returns When to look again, in milliseconds since the epoch; `again` if there may be more to do
   *   now; `lost` if another process was first.
   */
  async advance(entry: ScheduleEntry): Promise<number | "again" | "lost"> {
    const { store, kind: kindOf, workers } = this.#options;
    const schedule = entry.value;
    const kind = kindOf(schedule.kind);
    // A schedule is left to the processes that have its kind, as soon as there are any.
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

  /** The first queued time has to wait longer: decides about the times after it. */
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

  /** The newest task of a schedule that has not ended. */
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
      : `its input was refused: ${submitted.reason}`;
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
}
