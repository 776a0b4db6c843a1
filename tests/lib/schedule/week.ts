/**
 * A week of schedules in some processes that share a store, by a clock that the test sets.
 * Processes are killed just before or after their commits, and replaced by ones with newer code.
 *
 * @module
 */

import { decodeTime } from "@std/ulid";
import { createLogger } from "../../../lib/base/log.ts";
import { indexedIn, keys } from "../../../lib/kv/keys.ts";
import { listSchedules, type StoredSchedule } from "../../../lib/kv/schedules.ts";
import { Scheduler } from "../../../lib/schedule/scheduler.ts";
import { type NewSchedule, Schedules } from "../../../lib/schedule/schedules.ts";
import { Store } from "../../../lib/store/store.ts";
import type { Head } from "../../../lib/kv/head.ts";
import type { Kind } from "../../../lib/task/kind.ts";
import type { TaskRecord } from "../../../lib/task/record.ts";
import {
  type KindSchedule,
  readSchedule,
  type ScheduleOptions,
} from "../../../lib/task/schedule.ts";
import type { ScheduleOutcome } from "../../../lib/task/schedule_outcome.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const log = createLogger({ level: "off" });

/** A kind with a schedule, as some version of its code defines it. */
export function kindOf(kind: string, schedule?: ScheduleOptions): Kind {
  const its: KindSchedule | null = readSchedule("test", schedule) ?? null;
  return {
    kind,
    description: null,
    schema: null,
    checked: false,
    required: false,
    retry: { maxAttempts: 1, baseMs: 1, capMs: 1 },
    timeout: null,
    concurrency: null,
    isolate: false,
    hidden: false,
    schedule: its,
    retention: null,
  };
}

interface Process {
  readonly sid: string;
  readonly store: Store;
  readonly schedules: Schedules;
  readonly scheduler: Scheduler;
  kinds: readonly Kind[];
  killed: boolean;
  /** Commits until it is killed. */
  left: number;
}

/** A schedule's rule, and from when it was in force, in milliseconds since the epoch. */
export interface Epoch {
  readonly from: number;
  readonly cron: string;
  readonly zone: string;
}

export class Week implements AsyncDisposable {
  now: number;
  /** The latest time that the clock has shown. */
  latest: number;
  kills = 0;
  readonly epochs = new Map<string, Epoch[]>();
  readonly skips = new Map<string, Extract<ScheduleOutcome, { type: "skip" }>[]>();
  readonly #kv: Deno.Kv;
  readonly #random: () => number;
  #processes: Process[] = [];
  #count = 0;

  constructor(kv: Deno.Kv, start: number, random: () => number) {
    this.#kv = kv;
    this.now = this.latest = start;
    this.#random = random;
  }

  get size(): number {
    return this.#processes.length;
  }

  begin(kinds: readonly Kind[]): void {
    const sid = `p${String(++this.#count).padStart(6, "0")}`;
    const process: Pick<Process, "killed" | "left"> = { killed: false, left: Infinity };
    const kv = kvWith(this.#kv, { atomic: () => this.#atomic(process) });
    const store = new Store({ kv, sid, log, now: () => this.now });
    const schedules = new Schedules(store, 1000);
    const scheduler = new Scheduler({
      store,
      schedules,
      kind: (name) => kinds.find(({ kind }) => kind === name),
      kinds: () => kinds,
      isNewest: (kind) =>
        Promise.resolve(
          !this.#processes.some((other) =>
            other.sid > sid && other.kinds.some((its) => its.kind === kind)
          ),
        ),
      workers: () => this.#processes.map((process) => process.sid),
      log,
    });
    this.#processes.push(Object.assign(process, { sid, store, schedules, scheduler, kinds }));
  }

  /** An operation at whose commit its process may be killed: before it commits, or just after. */
  #atomic(process: Pick<Process, "killed" | "left">): Deno.AtomicOperation {
    const operation = this.#kv.atomic();
    const commit = operation.commit.bind(operation);
    operation.commit = async () => {
      if (process.killed) throw new Error("closed: it was killed");
      if (--process.left > 0) return await commit();
      process.killed = true;
      if (this.#random() < 0.5) await commit();
      throw new Error("closed: it was killed");
    };
    return operation;
  }

  async create(schedule: NewSchedule): Promise<void> {
    const created = await this.#processes[0]!.schedules.create(schedule);
    if (!created.ok) throw new Error(created.reason);
  }

  /** Has a process killed at one of its next four commits. */
  arm(): void {
    const process = this.#processes[Math.floor(this.#random() * this.#processes.length)];
    if (process) process.left = 1 + Math.floor(this.#random() * 4);
  }

  /** Stops the oldest process without killing it, or all of them. */
  async stop(all = false): Promise<void> {
    do {
      const process = this.#processes.shift();
      if (process) await close(process);
    } while (all && this.#processes.length > 0);
  }

  /** Has all processes take their turns at the same time, and removes those that were killed. */
  async turn(): Promise<void> {
    this.latest = Math.max(this.latest, this.now);
    // A process that leaves a time to others comes back to it.
    for (let n = 0; n < 2; n++) {
      await Promise.all(this.#processes.map(async (process) => {
        try {
          await process.scheduler.turn();
        } catch (error) {
          if (!process.killed) throw error;
        }
      }));
      this.now += 400;
    }
    for (const process of this.#processes.filter(({ killed }) => killed)) {
      this.kills++;
      this.#processes = this.#processes.filter((other) => other !== process);
      await close(process);
    }
    await this.#note();
  }

  /** Ends the pending tasks of some kinds that were made up to a time. */
  async endTasks(kinds: readonly string[], before: number): Promise<void> {
    const process = this.#processes[0];
    for (const kind of process ? kinds : []) {
      for await (const { key } of this.#kv.list({ prefix: keys.indexOf(kind, "pending") })) {
        const id = indexedIn(key);
        if (decodeTime(id) > before) continue;
        await process!.store.cancel(id).catch((error) => {
          if (!process!.killed) throw error;
        });
      }
    }
  }

  async tasks(): Promise<TaskRecord[]> {
    const entries = this.#kv.list<Head>({ prefix: keys.tasks });
    return await Array.fromAsync(entries, ({ value }) => JSON.parse(value.record));
  }

  async schedules(): Promise<StoredSchedule[]> {
    return (await listSchedules(this.#kv)).map(({ value }) => value);
  }

  /** Notes rules and skips after each turn, as the store keeps only the latest outcomes. */
  async #note(): Promise<void> {
    for (const { id, cron, zone, updated, outcomes } of await this.schedules()) {
      const epochs = this.epochs.get(id) ?? [];
      this.epochs.set(id, epochs);
      const last = epochs.at(-1);
      if (last?.cron !== cron || last.zone !== zone) epochs.push({ from: updated, cron, zone });
      const skips = outcomes.filter((it) => it.type === "skip");
      this.skips.set(id, [...(this.skips.get(id) ?? []), ...skips]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(true);
  }
}

async function close({ scheduler, store }: Process): Promise<void> {
  await scheduler.stop();
  await store.families.stop();
  store[Symbol.dispose]();
  await store.journal.giveUp();
}
